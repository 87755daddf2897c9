import type { EncodedKey } from "../format/key.ts";
import type { RecordRef } from "../format/record.ts";
import { compareKeys, type Log } from "./log.ts";

/** A log's keys in bytewise order, each with its newest record in that log. */
export interface Run {
  readonly log: Log;
  readonly keys: readonly EncodedKey[];
  /** Undefined where the index can be asked, as it does not change. */
  readonly refs: readonly RecordRef[] | undefined;
}

/** A range of keys: `from` inclusive, `to` exclusive, undefined for no bound. */
export interface KeyRange {
  readonly from: EncodedKey;
  readonly to: EncodedKey | undefined;
}

/** A key's newest record among several logs. */
export interface Newest {
  readonly key: EncodedKey;
  readonly log: Log;
  readonly ref: RecordRef;
}

/** The part of a sealed log's keys that lies in a range. */
export function runOfSealed(log: Log, range: KeyRange): Run {
  return { log, keys: slice(log.sortedKeys(), range), refs: undefined };
}

/** The same of the log that is written to, with its index as it is now. */
export function frozenRun(log: Log, range: KeyRange): Run {
  const keys = slice(log.sortedKeys(), range);
  return { log, keys, refs: keys.map((key) => refOf(log, key)) };
}

/** Merges runs, given oldest first, in key order or backwards; of each key only the newest record. */
export function* newestByKey(runs: readonly Run[], order: { readonly reverse: boolean }): Generator<Newest> {
  const step = order.reverse ? -1 : 1;
  // Newest first: of equal keys the first wins.
  const cursors = runs.toReversed().map((run) => ({ run, at: order.reverse ? run.keys.length - 1 : 0 }));
  for (;;) {
    let best: EncodedKey | undefined;
    let winner: Run | undefined;
    let winnerAt = 0;
    for (const { run, at } of cursors) {
      const key = run.keys[at];
      if (key === undefined || (best !== undefined && compareKeys(key, best) * step >= 0)) continue;
      best = key;
      winner = run;
      winnerAt = at;
    }
    if (best === undefined || winner === undefined) return;
    yield { key: best, log: winner.log, ref: winner.refs?.[winnerAt] ?? refOf(winner.log, best) };
    for (const cursor of cursors) if (cursor.run.keys[cursor.at] === best) cursor.at += step;
  }
}

function refOf(log: Log, key: EncodedKey): RecordRef {
  const ref = log.index.get(key);
  if (ref === undefined) throw new Error("A key of the sorted order is in the index");
  return ref;
}

function slice(keys: readonly EncodedKey[], { from, to }: KeyRange): readonly EncodedKey[] {
  const start = lowerBound(keys, from);
  const end = to === undefined ? keys.length : Math.max(start, lowerBound(keys, to));
  return start === 0 && end === keys.length ? keys : keys.slice(start, end);
}

/** Index of the first key at or after `bound`. */
function lowerBound(keys: readonly EncodedKey[], bound: EncodedKey): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle];
    if (key !== undefined && key < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
