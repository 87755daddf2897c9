import type { EncodedKey } from "../format/key.ts";
import type { StoredRecord } from "../format/record.ts";
import { compareKeys } from "./keys.ts";
import type { Log } from "./log.ts";
import type { KeyOrder } from "./log-index.ts";

/** A part of a log's keys in bytewise order, each with its newest record in that log, as of when it was made. */
export interface Run {
  readonly log: Log;
  readonly order: KeyOrder;
  /** The part: from the first place on, up to the one behind the last. */
  readonly from: number;
  readonly to: number;
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
  /** To be used before the next one is asked for. */
  readonly record: StoredRecord;
}

/** The whole of a log's keys. */
export const EVERYTHING: KeyRange = { from: "" as EncodedKey, to: undefined };

/** The part of a log's keys that lies in a range. */
export function runOf(log: Log, { from, to }: KeyRange): Run {
  const order = log.order();
  const start = from === "" ? 0 : lowerBound(log, order, from);
  const end = to === undefined ? order.length : Math.max(start, lowerBound(log, order, to));
  return { log, order, from: start, to: end };
}

/** Merges runs, given oldest first, in key order or backwards; of each key only the newest record. */
export function* newestByKey(runs: readonly Run[], order: { readonly reverse: boolean }): Generator<Newest> {
  const step = order.reverse ? -1 : 1;
  // Newest first: of equal keys the first wins.
  const cursors = runs.toReversed().map((run) => new Cursor(run, step));
  for (;;) {
    let winner: Cursor | undefined;
    for (const cursor of cursors) {
      if (cursor.key === undefined) continue;
      if (winner?.key === undefined || compareKeys(cursor.key, winner.key) * step < 0) winner = cursor;
    }
    const key = winner?.key;
    if (winner === undefined || key === undefined) return;
    yield { key, log: winner.log, record: winner.record() };
    for (const cursor of cursors) if (cursor.key === key) cursor.advance();
  }
}

/** Walks along a run. */
class Cursor {
  readonly log: Log;
  readonly #run: Run;
  readonly #step: number;
  #place: number;
  /** The record it stands at, where reading its key has read all of it. */
  #record: StoredRecord | undefined;
  /** The key it stands at; undefined behind the end. */
  key: EncodedKey | undefined;

  constructor(run: Run, step: number) {
    this.log = run.log;
    this.#run = run;
    this.#step = step;
    this.#place = step > 0 ? run.from : run.to - 1;
    this.#readKey();
  }

  advance(): void {
    this.#place += this.#step;
    this.#readKey();
  }

  record(): StoredRecord {
    const { log, order } = this.#run;
    return this.#record ?? log.recordAt(order.positionAt(this.#place), order.lengthAt(this.#place));
  }

  #readKey(): void {
    const { log, order, from, to } = this.#run;
    this.#record = undefined;
    this.key = undefined;
    if (this.#place < from || this.#place >= to) return;
    const [position, length] = [order.positionAt(this.#place), order.lengthAt(this.#place)];
    // The tail is written on while a scan goes on: of it only the key is kept.
    if (!log.isInTail(position)) this.#record = log.recordAt(position, length);
    this.key = this.#record?.key ?? log.keyAt(position, length);
  }
}

/** The first place whose key is at or after `bound`. */
function lowerBound(log: Log, order: KeyOrder, bound: EncodedKey): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (log.keyAt(order.positionAt(middle), order.lengthAt(middle)) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
