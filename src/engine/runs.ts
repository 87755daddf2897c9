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

/** A key's newest record among several logs, to be used before the next one is asked for. */
export interface Newest {
  readonly key: EncodedKey;
  readonly log: Log;
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
  /** In the order of the keys they stand at, all of them different: where two are equal, the older one goes on. */
  readonly #cursors: Cursor[] = [];
  readonly #reverse: boolean;
  /** Whether the first cursor's key was returned. */
  #isReturned = false;

  constructor(runs: readonly Run[], { reverse }: { readonly reverse: boolean }) {
    this.#reverse = reverse;
    for (const [age, run] of runs.toReversed().entries()) {
      this.#cursors.unshift(new Cursor(run, { age, step: reverse ? -1 : 1 }));
      this.#settle(0);
    }
  }

  /** The next key; undefined at the end. */
  next(): Newest | undefined {
    if (this.#isReturned) {
      this.#cursors[0]?.advance();
      this.#settle(0);
    }
    this.#isReturned = true;
    return this.#cursors[0];
  }

  /** Puts the cursor at an index, which has moved, in its place among those behind it. */
  #settle(from: number): void {
    for (let at = from; this.#isMisplaced(at); at += 1) this.#swap(at);
  }

  /** Whether a cursor belongs behind the next one; it does not stand at the same key any more then. */
  #isMisplaced(at: number): boolean {
    const cursor = this.#cursors[at];
    if (cursor?.isOver === true) this.#cursors.splice(at, 1);
    const next = this.#cursors[at + 1];
    if (cursor === undefined || cursor.isOver || next === undefined || this.#isBefore(cursor, next))
      return false;
    if (cursor.key !== next.key) return true;
    if (cursor.age > next.age) {
      cursor.advance();
      return this.#isMisplaced(at);
    }
    next.advance();
    this.#settle(at + 1);
    return false;
  }

  /** Exchanges a cursor for the next one. */
  #swap(at: number): void {
    const cursors = this.#cursors;
    const [cursor, next] = [cursors[at], cursors[at + 1]];
    if (cursor === undefined || next === undefined) return;
    cursors[at] = next;
    cursors[at + 1] = cursor;
  }

  #isBefore({ key: one }: Cursor, { key: other }: Cursor): boolean {
    return this.#reverse ? one > other : one < other;
  }
}

/** Walks along a run; what it stands at is what is read of it. */
class Cursor implements Newest {
  readonly log: Log;
  /** The higher, the older. */
  readonly age: number;
  readonly #run: Run;
  readonly #step: 1 | -1;
  /** The place behind those that were located. */
  #place: number;
  /** Where the next records are, and which of them comes next. */
  readonly #window: Places = { positions: [], lengths: [] };
  #next = 0;
  readonly #ahead: LookAhead;
  /** The record it stands at; undefined where it is only read if it is asked for. */
  #record: StoredRecord | undefined;
  #key: EncodedKey | undefined;
  /** Whether it stands behind the end. */
  isOver = false;

  constructor(run: Run, { age, step }: { readonly age: number; readonly step: 1 | -1 }) {
    this.log = run.log;
    this.age = age;
    this.#ahead = run.log.lookAhead();
    this.#run = run;
    this.#step = step;
    this.#place = step > 0 ? run.from : run.to - 1;
    this.advance();
  }

  advance(): void {
    this.#record = undefined;
    this.#key = undefined;
    if (this.#next === this.#window.positions.length) this.#lookAhead();
    if (this.isOver) return;
    this.#record = this.#ahead.record(this.#next);
    this.#next += 1;
  }

  /** Not every scan asks for it. */
  get key(): EncodedKey {
    this.#key ??= this.#record?.key ?? this.log.keyAt(...this.#where());
    return this.#key;
  }

  get record(): StoredRecord {
    return this.#record ?? this.log.recordAt(...this.#where());
  }

  /** The position of the record it stands at, and its length. */
  #where(): [number, number] {
    const { positions, lengths } = this.#window;
    return [positions[this.#next - 1] ?? 0, lengths[this.#next - 1] ?? 0];
  }

  /** Locates the next records, and has them brought near. */
  #lookAhead(): void {
    const { order, from, to } = this.#run;
    const left = this.#step > 0 ? to - this.#place : this.#place - from + 1;
    this.isOver = left <= 0;
    if (this.isOver) return;
    const count = this.#ahead.count(left);
    order.locate({ first: this.#place, step: this.#step, count }, this.#window);
    this.#place += this.#step * count;
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
