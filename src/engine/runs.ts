import type { EncodedKey } from "../format/key.ts";
import type { StoredRecord } from "../format/record.ts";
import type { Log } from "./log.ts";
import type { KeyOrder, Places } from "./log-index.ts";
import type { LookAhead } from "./look-ahead.ts";

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
export class MergedRuns {
  /** Newest first: of equal keys the first wins. */
  readonly #cursors: readonly Cursor[];
  readonly #reverse: boolean;
  /** The key that was returned last: the cursors at it are still to go on. */
  #done: EncodedKey | undefined;

  constructor(runs: readonly Run[], { reverse }: { readonly reverse: boolean }) {
    this.#reverse = reverse;
    this.#cursors = runs.toReversed().map((run) => new Cursor(run, reverse ? -1 : 1));
  }

  /** The next key; undefined at the end. */
  next(): Newest | undefined {
    let winner: Cursor | undefined;
    for (const cursor of this.#cursors) {
      if (cursor.key === this.#done && cursor.key !== undefined) cursor.advance();
      if (cursor.key !== undefined && (winner === undefined || this.#isBefore(cursor, winner)))
        winner = cursor;
    }
    const key = winner?.key;
    this.#done = key;
    return winner === undefined || key === undefined
      ? undefined
      : { key, log: winner.log, record: winner.record() };
  }

  #isBefore({ key: one = NO_KEY }: Cursor, { key: other = NO_KEY }: Cursor): boolean {
    return this.#reverse ? one > other : one < other;
  }
}

const NO_KEY = "" as EncodedKey;

/** Walks along a run. */
class Cursor {
  readonly log: Log;
  readonly #run: Run;
  readonly #step: 1 | -1;
  #place: number;
  /** Where the next records are, and which of them comes next. */
  readonly #window: Places = { positions: [], lengths: [] };
  #next = 0;
  readonly #ahead: LookAhead;
  #position = 0;
  #length = 0;
  /** The record it stands at, where reading its key has read all of it. */
  #record: StoredRecord | undefined;
  /** The key it stands at; undefined behind the end. */
  key: EncodedKey | undefined;

  constructor(run: Run, step: 1 | -1) {
    this.log = run.log;
    this.#ahead = run.log.lookAhead();
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
    return this.#record ?? this.log.recordAt(this.#position, this.#length);
  }

  #readKey(): void {
    const { from, to } = this.#run;
    this.#record = undefined;
    this.key = undefined;
    if (this.#place < from || this.#place >= to) return;
    if (this.#next === this.#window.positions.length) this.#lookAhead();
    const { log } = this;
    this.#position = this.#window.positions[this.#next] ?? 0;
    this.#length = this.#window.lengths[this.#next] ?? 0;
    // The tail is written on while a scan goes on: of it only the key is kept.
    this.#record = this.#ahead.record(this.#next);
    this.#next += 1;
    this.key = this.#record?.key ?? log.keyAt(this.#position, this.#length);
  }

  /** Locates the next records, and has them brought near. */
  #lookAhead(): void {
    const { order, from, to } = this.#run;
    const left = this.#step > 0 ? to - this.#place : this.#place - from + 1;
    order.locate({ first: this.#place, step: this.#step, count: this.#ahead.count(left) }, this.#window);
    this.#next = 0;
    this.#ahead.to(this.#window);
  }
}

/** The key at a place of an order. */
function keyAt(log: Log, order: KeyOrder, place: number, at: Places): EncodedKey {
  order.locate({ first: place, step: 1, count: 1 }, at);
  return log.keyAt(at.positions[0] ?? 0, at.lengths[0] ?? 0);
}

/** The first place whose key is at or after `bound`. */
function lowerBound(log: Log, order: KeyOrder, bound: EncodedKey): number {
  const at: Places = { positions: [], lengths: [] };
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyAt(log, order, middle, at) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
