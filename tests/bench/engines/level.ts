import { join } from "node:path";
import type { Engine, EngineKind, EngineSettings, Entry } from "./engine.ts";

const PACKAGE: string = "classic-level";
const ENTRIES_A_STEP = 1000;

export const levelEngine: EngineKind = {
  name: PACKAGE,
  description: "LevelDB, `getSync`; a slice is a batch; in sync `put` with `sync: true`",
  persistent: true,
  package: PACKAGE,
  async create(settings) {
    const { ClassicLevel } = (await import(PACKAGE)) as Level;
    return new LevelEngine(new ClassicLevel(join(settings.directory, "store")), settings);
  },
};

/** What is used of the package. */
interface Level {
  readonly ClassicLevel: new (path: string) => Database;
}

type Operation =
  | { readonly type: "put"; readonly key: string; readonly value: string }
  | { readonly type: "del"; readonly key: string };

interface Database {
  open(): Promise<void>;
  close(): Promise<void>;
  getSync(key: string): string | undefined;
  put(key: string, value: string, options: { readonly sync: boolean }): Promise<void>;
  batch(operations: readonly Operation[], options: { readonly sync: boolean }): Promise<void>;
  iterator(options: { readonly gte: string; readonly limit: number }): Iterator;
  compactRange(from: string, to: string): Promise<void>;
}

interface Iterator {
  nextv(size: number): Promise<Entry[]>;
  close(): Promise<void>;
}

class LevelEngine implements Engine {
  readonly #store: Database;
  readonly #sync: boolean;
  #slice: Operation[] = [];

  constructor(store: Database, { durability }: EngineSettings) {
    this.#store = store;
    this.#sync = durability === "sync";
  }

  async open(): Promise<void> {
    await this.#store.open();
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  set(key: string, value: string): void {
    this.#slice.push({ type: "put", key, value });
  }

  get(key: string): string | undefined {
    return this.#store.getSync(key);
  }

  delete(key: string): void {
    this.#slice.push({ type: "del", key });
  }

  async endSlice(): Promise<void> {
    if (this.#slice.length === 0) return;
    await this.#store.batch(this.#slice, { sync: this.#sync });
    this.#slice = [];
  }

  async batch(entries: readonly Entry[]): Promise<void> {
    for (const [key, value] of entries) this.set(key, value);
    await this.endSlice();
  }

  async range(from: string, limit: number): Promise<number> {
    const iterator = this.#store.iterator({ gte: from, limit });
    let count = 0;
    for (;;) {
      const entries = await iterator.nextv(ENTRIES_A_STEP);
      if (entries.length === 0) break;
      count += entries.length;
    }
    await iterator.close();
    return count;
  }

  async setDurably(key: string, value: string): Promise<void> {
    await this.#store.put(key, value, { sync: true });
  }

  async compact(): Promise<void> {
    await this.#store.compactRange("", "\uFFFF");
  }
}
