import { KvStore } from "../../../src/index.ts";
import type { Engine, EngineKind, EngineSettings, Entry } from "./engine.ts";

const LONG_MS = 600_000;

export const kvsEngine: EngineKind = {
  name: "kvs",
  description: "defaults, compacting in the background; in sync, `await flush()` after each write",
  persistent: true,
  create: (settings) => new KvsEngine(settings),
};

class KvsEngine implements Engine {
  readonly #settings: EngineSettings;
  #opened: KvStore | undefined;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
  }

  open(): void {
    const { directory, compactsItself } = this.#settings;
    // Indexes may still be in the making when a compaction is asked for: it waits for them.
    const options = compactsItself ? {} : { autoCompact: false, waitMs: LONG_MS };
    this.#opened = KvStore.open(directory, options);
  }

  close(): void {
    this.#opened?.close();
  }

  set(key: string, value: string): void {
    this.#store.set(key, value);
  }

  get(key: string): string | undefined {
    return this.#store.get(key);
  }

  delete(key: string): void {
    this.#store.delete(key);
  }

  /** The end of the tick that follows hands the slice to the operating system. */
  endSlice(): void {}

  batch(entries: readonly Entry[]): void {
    this.#store.batch(entries.map((set) => ({ set })));
  }

  range(from: string, limit: number): number {
    let count = 0;
    for (const [, value] of this.#store.entries({ from, limit })) count += value === "" ? 0 : 1;
    return count;
  }

  async setDurably(key: string, value: string): Promise<void> {
    this.#store.set(key, value);
    await this.#store.flush();
  }

  async compact(): Promise<void> {
    await this.#store.compact();
  }

  get #store(): KvStore {
    if (this.#opened === undefined) throw new Error("The store is not open");
    return this.#opened;
  }
}
