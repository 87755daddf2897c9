import type { EncodedKey } from "../format/key.ts";
import { type Entries, EntryTable } from "./entry-table.ts";
import type { KeyReader } from "./key-reader.ts";
import type { KeyOrder, LogIndex, Neighbours, Places } from "./log-index.ts";
import { resized } from "./resized.ts";
import { sortEntries } from "./sort-keys.ts";

const INITIAL_ENTRIES = 1024;
const TWO_TO_32 = 2 ** 32;

/** Three words an entry, side by side: the low half of the record's position, its length, and its key's hash once it is there. */
const ENTRY_WORDS = 3;
const LENGTH_WORD = 1;
const HASH_WORD = 2;

/** Up to so many records are looked through one by one, for so many lookups, before it is worth hashing them. */
const WALKED_RECORDS = 4096;
const WALKS = 4;

/** So many keys are worth a look at the whole log. */
const MANY_KEYS = 4096;

/**
 * The index of a log that is written to, or has none on the disk. Records are
 * noted in the order they come, 12 bytes each; the hash table is built by the
 * first lookups, and the order of the keys by the first scan, both from hashes that
 * come with what is written, or are made in the order of the log: reading keys in
 * any other takes ten times as long. Entries are never changed, so an order that was asked for stays as it was.
 */
export class MemoryIndex implements LogIndex, Entries {
  readonly #keyReader: KeyReader;
  #words: Int32Array<ArrayBuffer> = new Int32Array(INITIAL_ENTRIES * ENTRY_WORDS);
  #count = 0;
  /** The first entries past each 4 GiB, if the log is as long as that: they tell the high half of a position. */
  readonly #wraps: number[] = [];
  /** Where the next 4 GiB begin. */
  #nextWrap = TWO_TO_32;
  /** How many entries, the first ones, have the hashes of their keys. */
  #hashCount = 0;
  readonly #table = new EntryTable(this);
  /** How many entries are in the table. */
  #tabled = 0;
  #walks = 0;
  #order: Uint32Array = new Uint32Array();
  #ordered = 0;

  constructor(keys: KeyReader) {
    this.#keyReader = keys;
  }

  /** How many records were noted. */
  get records(): number {
    return this.#count;
  }

  get entries(): number {
    this.#tableAll();
    return this.#table.size;
  }

  /** Notes the next record of the log. */
  add(position: number, length: number): void {
    const at = this.#count * ENTRY_WORDS;
    if (at === this.#words.length) this.#resize(this.#count * 2);
    if (position >= this.#nextWrap) this.#wrap(position);
    // An array of 32-bit words keeps the low half by itself.
    this.#words[at] = position;
    this.#words[at + LENGTH_WORD] = length;
    this.#count += 1;
  }

  /** Whether every record that was noted has the hash of its key. */
  get isHashed(): boolean {
    return this.#hashCount === this.#count;
  }

  /** Notes the hash of the first key that has none yet: whoever writes it has it at hand. */
  noteHash(hash: number): void {
    this.#words[this.#hashCount * ENTRY_WORDS + HASH_WORD] = hash;
    this.#hashCount += 1;
  }

  /** Gives back the memory that was for more entries: none will come for a while. */
  trim(): void {
    this.#resize(Math.max(this.#count, INITIAL_ENTRIES));
  }

  /** Forgets the records from a position on. */
  cut(position: number): void {
    while (this.#count > 0 && this.positionOf(this.#count - 1) >= position) this.#count -= 1;
    while ((this.#wraps.at(-1) ?? -1) >= this.#count) this.#wraps.pop();
    this.#nextWrap = (this.#wraps.length + 1) * TWO_TO_32;
    if (this.#ordered > this.#count) this.#forgetOrder();
    this.#hashCount = Math.min(this.#hashCount, this.#count);
    if (this.#tabled <= this.#count) return;
    this.#table.clear();
    this.#tabled = 0;
  }

  probe(hash: number, after: number): number {
    if (this.#tabled < this.#count) {
      if (this.#mayWalk(after)) return this.#walk(hash, after);
      this.#tableAll();
    }
    return this.#table.probe(hash, after);
  }

  positionOf(entry: number): number {
    const low = (this.#words[entry * ENTRY_WORDS] ?? 0) >>> 0;
    // A sum of products is a double to the compiler, and a slow index into a buffer.
    return this.#wraps.length === 0 ? low : low + this.#highOf(entry) * TWO_TO_32;
  }

  lengthOf(entry: number): number {
    return this.#words[entry * ENTRY_WORDS + LENGTH_WORD] ?? 0;
  }

  /** The newest entry of each key, in bytewise order of the keys: entry numbers. */
  sortedEntries(): Uint32Array {
    if (this.#ordered < this.#count) {
      const fresh = this.#holding(this.#count - this.#ordered, () => this.#newestOfFresh());
      this.#order = this.#ordered === 0 ? fresh : this.#mergeOrders(this.#order, fresh);
      this.#ordered = this.#count;
    }
    return this.#order;
  }

  order(): KeyOrder {
    const order = this.sortedEntries();
    return {
      length: order.length,
      locate: (neighbours, into) => this.#locate(order, neighbours, into),
    };
  }

  #wrap(position: number): void {
    for (; position >= this.#nextWrap; this.#nextWrap += TWO_TO_32) this.#wraps.push(this.#count);
  }

  #highOf(entry: number): number {
    let high = this.#wraps.length;
    while (high > 0 && entry < (this.#wraps[high - 1] ?? 0)) high -= 1;
    return high;
  }

  /** A loop in which nothing waits for what stands before it: neighbours among the keys lie far apart among the entries. */
  #locate(order: Uint32Array, { first, count, step }: Neighbours, { positions, lengths }: Places): void {
    const words = this.#words;
    const isLong = this.#wraps.length > 0;
    positions.length = count;
    lengths.length = count;
    for (let number = 0, place = first; number < count; number += 1, place += step) {
      const entry = order[place] ?? 0;
      const at = entry * ENTRY_WORDS;
      positions[number] = isLong ? this.positionOf(entry) : (words[at] ?? 0) >>> 0;
      lengths[number] = words[at + LENGTH_WORD] ?? 0;
    }
  }

  #keyOf(entry: number): EncodedKey {
    return this.#keyReader.keyAt(this.positionOf(entry), this.lengthOf(entry));
  }

  /** The hash of an entry's key; of those in `sortedEntries`, and in the table, it is there. */
  hashOf(entry: number): number {
    return this.#words[entry * ENTRY_WORDS + HASH_WORD] ?? 0;
  }

  isSameKey(entry: number, other: number): boolean {
    return this.#keyReader.haveSameKey(
      this.positionOf(entry),
      this.lengthOf(entry),
      this.positionOf(other),
      this.lengthOf(other),
    );
  }

  #forgetOrder(): void {
    this.#order = new Uint32Array();
    this.#ordered = 0;
  }

  #mayWalk(after: number): boolean {
    if (this.#tabled > 0 || this.#count > WALKED_RECORDS) return false;
    if (after < 0) this.#walks += 1;
    return this.#walks <= WALKS;
  }

  /** Every record may be the one, the newest first. */
  #walk(_hash: number, after: number): number {
    return after < 0 ? this.#count - 1 : after - 1;
  }

  #resize(entries: number): void {
    this.#words = resized(this.#words, entries * ENTRY_WORDS);
  }

  /** Works on so many keys, announced if they are many; the hashes of all are there then. */
  #holding<T>(keys: number, work: () => T): T {
    const isMany = keys >= MANY_KEYS;
    if (isMany) this.#keyReader.hold();
    try {
      this.#hashAll();
      return work();
    } finally {
      if (isMany) this.#keyReader.letGo();
    }
  }

  #hashAll(): void {
    while (!this.isHashed) {
      const entry = this.#hashCount;
      this.noteHash(this.#keyReader.hashAt(this.positionOf(entry), this.lengthOf(entry)));
    }
  }

  #tableAll(): void {
    if (this.#tabled < this.#count) this.#holding(this.#count - this.#tabled, () => this.#tableRest());
  }

  #tableRest(): void {
    if (this.#tabled === 0) this.#table.reserve(this.#count);
    for (; this.#tabled < this.#count; this.#tabled += 1) {
      this.#table.put(this.#tabled);
    }
  }

  /** Of the entries that have no place in the order yet, the newest of each key, sorted. */
  #newestOfFresh(): Uint32Array {
    const sorted = sortEntries(this.#keyReader, this, this.#ordered, this.#count);
    let kept = 0;
    let hash = -1;
    for (let index = 0; index < sorted.length; index += 1) {
      const entry = sorted[index] ?? 0;
      const before = hash;
      hash = this.hashOf(entry);
      // The newer one takes the place of the one before it.
      if (kept > 0 && hash === before && this.isSameKey(sorted[kept - 1] ?? 0, entry)) kept -= 1;
      sorted[kept] = entry;
      kept += 1;
    }
    return sorted.slice(0, kept);
  }

  /** Puts a few entries into an order of many: each finds its place by halving. */
  #mergeOrders(order: Uint32Array, fresh: Uint32Array): Uint32Array {
    const merged = new Uint32Array(order.length + fresh.length);
    let taken = 0;
    let length = 0;
    for (const entry of fresh) {
      const key = this.#keyOf(entry);
      const place = this.#lowerBound(order, taken, key);
      merged.set(order.subarray(taken, place), length);
      length += place - taken;
      merged[length] = entry;
      length += 1;
      const replaced = order[place];
      taken = replaced !== undefined && this.#keyOf(replaced) === key ? place + 1 : place;
    }
    merged.set(order.subarray(taken), length);
    length += order.length - taken;
    return merged.slice(0, length);
  }

  #lowerBound(order: Uint32Array, from: number, key: EncodedKey): number {
    let low = from;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keyOf(order[middle] ?? 0) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
