import { join } from "node:path";
import type { Engine, EngineKind, EngineSettings, Entry } from "./engine.ts";

const PACKAGE: string = "lmdb";

export const lmdbEngine: EngineKind = {
  name: "lmdb",
  description: "a slice is a transaction; noSync, in sync `await put()` and `await flushed`",
  persistent: true,
  package: PACKAGE,
  async create(settings) {
    const module = (await import(PACKAGE)) as Lmdb;
    return new LmdbEngine(module, settings);
  },
};

/** What is used of the package. It reuses pages in place, so there is no compaction. */
interface Lmdb {
  open(options: object): Database;
}

interface Database {
  get(key: string): string | undefined;
  put(key: string, value: string): Promise<boolean>;
  putSync(key: string, value: string): void;
  removeSync(key: string): void;
  transactionSync(work: () => void): void;
  getRange(options: { readonly start: string; readonly limit: number }): Iterable<{ readonly value: string }>;
  close(): Promise<void>;
  readonly flushed: Promise<unknown>;
}

class LmdbEngine implements Engine {
  readonly #module: Lmdb;
  readonly #settings: EngineSettings;
  #opened: Database | undefined;
  /** Writes of this slice; a key alone is a removal. */
  #slice: Array<Entry | readonly [key: string]> = [];

  constructor(module: Lmdb, settings: EngineSettings) {
    this.#module = module;
    this.#settings = settings;
  }

  open(): void {
    const { directory, durability } = this.#settings;
    const path = join(directory, "store");
    this.#opened = this.#module.open({ path, encoding: "string", noSync: durability === "os" });
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  set(key: string, value: string): void {
    this.#slice.push([key, value]);
  }

  get(key: string): string | undefined {
    return this.#store.get(key);
  }

  delete(key: string): void {
    this.#slice.push([key]);
  }

  endSlice(): void {
    if (this.#slice.length === 0) return;
    const store = this.#store;
    store.transactionSync(() => {
      for (const [key, value] of this.#slice) {
        if (value === undefined) store.removeSync(key);
        else store.putSync(key, value);
      }
    });
    this.#slice = [];
  }

  batch(entries: readonly Entry[]): void {
    this.#slice = [...entries];
    this.endSlice();
  }

  range(start: string, limit: number): number {
    let count = 0;
    for (const { value } of this.#store.getRange({ start, limit })) count += value === "" ? 0 : 1;
    return count;
  }

  async setDurably(key: string, value: string): Promise<void> {
    await this.#store.put(key, value);
    await this.#store.flushed;
  }

  get #store(): Database {
    if (this.#opened === undefined) throw new Error("The database is not open");
    return this.#opened;
  }
}
