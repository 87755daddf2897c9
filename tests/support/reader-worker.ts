import { KvStore, type OpenOptions } from "../../src/index.ts";

/** What a reading thread is asked to do: look the keys up over and over, until `stop` is not 0. */
export interface ReadingTask {
  readonly directory: string;
  readonly options: OpenOptions;
  readonly keys: readonly string[];
  readonly stop: Int32Array;
  /** Counts every time that all keys were looked up. */
  readonly passes: Int32Array;
}

/** What it has seen. */
export interface ReadingReport {
  readonly lookups: number;
  /** Values that were older than one that had been seen of the same key, missing, or no numbers. */
  readonly wrong: readonly string[];
}

declare function postMessage(report: ReadingReport): void;

addEventListener("message", ({ data }: MessageEvent<ReadingTask>) => postMessage(read(data)));

/** The values of each key are numbers that only grow. */
function read({ directory, options, keys, stop, passes }: ReadingTask): ReadingReport {
  using store = KvStore.open(directory, { ...options, readOnly: true });
  const newest = new Map(keys.map((key) => [key, 0]));
  const wrong: string[] = [];
  let lookups = 0;
  while (Atomics.load(stop, 0) === 0 && wrong.length < 5) {
    for (const key of keys) {
      const value = Number(store.get(key) ?? Number.NaN);
      if (!(value >= (newest.get(key) ?? 0))) wrong.push(`${key}: ${value} after ${newest.get(key)}`);
      newest.set(key, value);
      lookups += 1;
    }
    Atomics.add(passes, 0, 1);
  }
  return { lookups, wrong };
}
