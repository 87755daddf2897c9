import type { LogCodec, RecordGroup } from "../format/codec.ts";
import { KvsError } from "../format/errors.ts";
import type { StoredRecord } from "../format/record.ts";
import { noteGarbage } from "./garbage.ts";
import { GatheredReads, NOT_READ } from "./gathered-reads.ts";
import type { LogBytes } from "./log-bytes.ts";
import type { Places } from "./log-index.ts";

/** What is read ahead of one log at most. */
const BUFFER_BYTES: number = 128 * 1024;

/** Records are read together with what is between them if that makes it at most so many times the bytes. */
const SPREAD = 2;

/**
 * Records are located so many at a time: neighbours among the keys lie far apart in
 * the log, and the processor fetches many of them in the time of two or three.
 */
const FEW = 32;

/** The same of a long scan of small records, which are verified together. */
const MANY = 64;

/** The first records are verified one by one: to make room for a group takes longer than it spares a short scan. */
const ALONE = 128;

/** So many records are verified together then. */
const GROUP = 64;

/**
 * The records of one log that a scan comes to next. Those of a mapped log are brought
 * near; those of another are read into one buffer, again and again: a read into fresh
 * memory takes three times as long, since the system has to clear that first.
 */
export class LookAhead {
  readonly #bytes: LogBytes;
  readonly #codec: LogCodec;
  readonly #recordAt: (position: number, length: number) => StoredRecord;
  /** The log's map, or what was read of it. */
  #buffer: Buffer | undefined;
  #isMapped = false;
  /** Allocated by the first read. */
  #own: Buffer | undefined;
  #gathered: GatheredReads | undefined;
  /** Where in what was read the records start. */
  #starts: number[] = [];
  #places: Places = { positions: [], lengths: [] };

  /** Made once a scan has turned out to be a long one. */
  #group: RecordGroup | undefined;
  #alone = 0;
  /** Which records were looked at together, from this number on up to that; they are in the group only if they are sound. */
  #groupStart = 0;
  #groupEnd = 0;
  #isGroupSound = false;

  /** `recordAt` reads a record that was not read ahead, or was and fails a check. */
  constructor(
    bytes: LogBytes,
    codec: LogCodec,
    recordAt: (position: number, length: number) => StoredRecord,
  ) {
    this.#bytes = bytes;
    this.#codec = codec;
    this.#recordAt = recordAt;
  }

  /** How many of so many records are worth looking ahead to. */
  count(records: number): number {
    const { farAhead, readAhead } = this.#bytes;
    // Who reads through the whole log has the bytes read ahead.
    if (farAhead === 0 || readAhead > 0) return Math.min(this.#isGroupSound ? MANY : FEW, records);
    this.#gathered ??= new GatheredReads(this.#bytes, farAhead);
    return Math.min(records, this.#gathered.capacity || FEW);
  }

  /** Looks ahead to these records; what was read before is not to be used any more. */
  to(places: Places): void {
    this.#places = places;
    this.#groupEnd = 0;
    this.#gathered?.see(places);
    if (this.#gathered !== undefined && places.positions.length > FEW) {
      this.#gathered.read(places);
      this.#buffer = this.#gathered.buffer;
      this.#starts = this.#gathered.starts;
      return;
    }
    this.#starts = [];
    const map = this.#bytes.touch(places.positions);
    this.#isMapped = map !== undefined;
    if (map === undefined) this.#read(places);
    else this.#buffer = map;
  }

  /** One of the records, by its number among them; undefined for one in memory that is written on. */
  record(number: number): StoredRecord | undefined {
    if (number >= this.#groupEnd) this.#formGroup(number);
    const grouped = this.#isGroupSound ? this.#group?.record(number - this.#groupStart) : undefined;
    if (grouped === undefined) return this.#single(number);
    noteGarbage(grouped.length);
    return grouped;
  }

  /** Verifies the records from this one on that can be grouped; of those that are not sound, each tells when its turn comes. */
  #formGroup(number: number): void {
    this.#isGroupSound = false;
    this.#groupStart = number;
    this.#groupEnd = number + 1;
    this.#alone += 1;
    if (this.#alone <= ALONE) return;
    const group = (this.#group ??= this.#codec.newGroup?.());
    if (group === undefined) return;
    group.clear();
    const { positions, lengths } = this.#places;
    const most = Math.min(positions.length, number + GROUP);
    let end = number;
    while (end < most && this.#addToGroup(group, end, positions[end] ?? 0, lengths[end] ?? 0)) end += 1;
    if (end === number) return;
    this.#groupEnd = end;
    this.#isGroupSound = group.areSound();
  }

  #addToGroup(group: RecordGroup, number: number, position: number, length: number): boolean {
    const bytes = this.#bytes;
    if (bytes.isInTail(position))
      return group.add(bytes.tail.whole(), bytes.tailOffset(position), length, position);
    const start = this.#isMapped ? position : (this.#starts[number] ?? NOT_READ);
    const buffer = this.#buffer;
    return start !== NOT_READ && buffer !== undefined && group.add(buffer, start, length, position);
  }

  #single(number: number): StoredRecord | undefined {
    const position = this.#places.positions[number] ?? 0;
    const length = this.#places.lengths[number] ?? 0;
    if (this.#bytes.isInTail(position)) return undefined;
    const start = this.#isMapped ? position : (this.#starts[number] ?? NOT_READ);
    return this.#decode(start, position, length) ?? this.#recordAt(position, length);
  }

  /** Undefined for what is not there, or fails a check. */
  #decode(start: number, position: number, length: number): StoredRecord | undefined {
    const buffer = this.#buffer;
    if (start === NOT_READ || length === 0 || buffer === undefined) return undefined;
    if (start + length > buffer.length) return undefined;
    noteGarbage(length);
    return this.#codec.decodeRecord(buffer, position, start, start + length);
  }

  #read(places: Places): void {
    // Who reads through the whole log has the bytes read ahead.
    if (this.#bytes.readAhead > 0) return;
    this.#own ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#buffer = this.#own;
    try {
      if (!this.#readSpan(this.#own, places)) this.#readEach(this.#own, places);
    } catch (error) {
      if (!(error instanceof KvsError)) throw error;
      // It is met again when its turn comes, if it does.
    }
  }

  /** Reads records that stand together, with what is between them. */
  #readSpan(buffer: Buffer, { positions, lengths }: Places): boolean {
    let first = Number.POSITIVE_INFINITY;
    let end = 0;
    let wanted = 0;
    for (let number = 0; number < positions.length; number += 1) {
      const position = positions[number] ?? 0;
      const length = lengths[number] ?? 0;
      first = Math.min(first, position);
      end = Math.max(end, position + length);
      wanted += length;
    }
    if (end - first > Math.min(BUFFER_BYTES, wanted * SPREAD)) return false;
    const read = this.#bytes.readInto(buffer, first, 0, end - first);
    for (let number = 0; number < positions.length; number += 1) {
      const start = (positions[number] ?? 0) - first;
      this.#starts.push(start + (lengths[number] ?? 0) <= read ? start : NOT_READ);
    }
    return true;
  }

  /** Reads them one by one, as many as the buffer holds. */
  #readEach(buffer: Buffer, { positions, lengths }: Places): void {
    let end = 0;
    for (let number = 0; number < positions.length; number += 1) {
      const start = end;
      const position = positions[number] ?? 0;
      const length = lengths[number] ?? 0;
      const isRead =
        start + length <= BUFFER_BYTES &&
        !this.#bytes.holds(position, length) &&
        this.#bytes.readInto(buffer, position, start, start + length) === length;
      this.#starts.push(isRead ? start : NOT_READ);
      if (isRead) end += length;
    }
  }
}
