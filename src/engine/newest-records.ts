import type { StoredRecord } from "../format/record.ts";
import type { Log } from "./log.ts";
import type { KeyOrder, Places } from "./log-index.ts";
import type { LookAhead } from "./look-ahead.ts";

/** The newest record of each key among several logs, in the order of the keys: what a merge takes out of them. */
export class NewestRecords {
  /** Newest first: of equal keys the first wins. */
  readonly #cursors: readonly RecordCursor[];
  /** The cursors at the key that was found last have this number, and are still to go on. */
  #round = 0;

  /** The logs, oldest first; nothing is written to them. */
  constructor(logs: readonly Log[]) {
    this.#cursors = logs.toReversed().map((log) => new RecordCursor(log));
  }

  /** The next one, good until the next call; undefined at the end. */
  next(): StoredRecord | undefined {
    const done = this.#round;
    let newest: StoredRecord | undefined;
    for (const cursor of this.#cursors) {
      if (cursor.round === done) cursor.advance();
      const { record } = cursor;
      if (record === undefined) continue;
      const order = newest === undefined ? -1 : record.compareKey(newest);
      if (order > 0) continue;
      if (order < 0) {
        newest = record;
        this.#round += 1;
      }
      cursor.round = this.#round;
    }
    return newest;
  }
}

/** Walks along a log's records in the order of their keys. */
class RecordCursor {
  readonly #log: Log;
  readonly #order: KeyOrder;
  readonly #ahead: LookAhead;
  /** Where the next records are, and which of them comes next. */
  readonly #window: Places = { positions: [], lengths: [] };
  #next = 0;
  /** How many records come behind the window. */
  #left: number;
  /** The record it stands at; undefined behind the end. */
  record: StoredRecord | undefined;
  /** When it last stood at the key that was found. */
  round = 0;

  constructor(log: Log) {
    this.#log = log;
    this.#order = log.order();
    this.#ahead = log.lookAhead();
    this.#left = this.#order.length;
  }

  advance(): void {
    const { positions, lengths } = this.#window;
    if (this.#next === positions.length && !this.#lookAhead()) {
      this.record = undefined;
      return;
    }
    const number = this.#next;
    this.#next += 1;
    this.record =
      this.#ahead.record(number) ?? this.#log.recordAt(positions[number] ?? 0, lengths[number] ?? 0);
  }

  /** Locates the next records, and has them brought near; false where there are none. */
  #lookAhead(): boolean {
    const count = this.#ahead.count(this.#left);
    if (count === 0) return false;
    const first = this.#order.length - this.#left;
    this.#order.locate({ first, step: 1, count }, this.#window);
    this.#left -= count;
    this.#next = 0;
    this.#ahead.to(this.#window);
    return true;
  }
}
