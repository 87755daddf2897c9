import { hashKey } from "../format/hash.ts";
import type { EncodedKey } from "../format/key.ts";
import type { KeyOrder, LogIndex } from "./log-index.ts";
import { sortedNumbers } from "./sort-keys.ts";

const INITIAL_ENTRIES = 1024;

/** Up to so many records are looked through one by one, for so many lookups, before it is worth hashing them. */
const WALKED_RECORDS = 4096;
const WALKS = 4;

/** Reads a record's key where it stands. */
export type KeyReader = (position: number, length: number) => EncodedKey;

/**
 * The index of a log that is written to, or has none on the disk. Records are
 * noted in the order they come, 12 bytes each; the hash table is built by the
 * first lookups, and the order of the keys by the first scan. Entries are never
 * changed, so an order that was asked for stays as it was.
 */
export class MemoryIndex implements LogIndex {
  readonly #keyAt: KeyReader;
  readonly #seed: number;
  #positions = new Float64Array(INITIAL_ENTRIES);
  #lengths = new Uint32Array(INITIAL_ENTRIES);
  #hashes = new Uint32Array();
  #count = 0;
  /** Each slot of the table holds an entry's number plus 1, or 0. */
  #table = new Uint32Array();
  #hashed = 0;
  #keys = 0;
  #walks = 0;
  #order: Uint32Array = new Uint32Array();
  #ordered = 0;

  constructor(seed: number, keyAt: KeyReader) {
    this.#seed = seed;
    this.#keyAt = keyAt;
  }

  /** How many records were noted. */
  get records(): number {
    return this.#count;
  }

  get entries(): number {
    this.#hashAll();
    return this.#keys;
  }

  /** Notes the next record of the log. */
  add(position: number, length: number): void {
    if (this.#count === this.#positions.length) this.#grow();
    this.#positions[this.#count] = position;
    this.#lengths[this.#count] = length;
    this.#count += 1;
  }

  /** Forgets the records from a position on. */
  cut(position: number): void {
    while (this.#count > 0 && this.positionOf(this.#count - 1) >= position) this.#count -= 1;
    if (this.#ordered > this.#count) this.#forgetOrder();
    if (this.#hashed <= this.#count) return;
    this.#table = new Uint32Array();
    this.#hashed = 0;
    this.#keys = 0;
  }

  probe(hash: number, after: number): number {
    if (this.#hashed < this.#count) {
      if (this.#mayWalk(after)) return this.#walk(hash, after);
      this.#hashAll();
    }
    return this.#probeTable(hash, after);
  }

  positionOf(entry: number): number {
    return this.#positions[entry] ?? 0;
  }

  lengthOf(entry: number): number {
    return this.#lengths[entry] ?? 0;
  }

  /** The newest entry of each key, in bytewise order of the keys: entry numbers. */
  sortedEntries(): Uint32Array {
    if (this.#ordered < this.#count) {
      const fresh = this.#newestOfFresh();
      this.#order = this.#ordered === 0 ? fresh : this.#mergeOrders(this.#order, fresh);
      this.#ordered = this.#count;
    }
    return this.#order;
  }

  order(): KeyOrder {
    const order = this.sortedEntries();
    return {
      length: order.length,
      positionAt: (place) => this.positionOf(order[place] ?? 0),
      lengthAt: (place) => this.lengthOf(order[place] ?? 0),
    };
  }

  #keyOf(entry: number): EncodedKey {
    return this.#keyAt(this.positionOf(entry), this.lengthOf(entry));
  }

  #forgetOrder(): void {
    this.#order = new Uint32Array();
    this.#ordered = 0;
  }

  #mayWalk(after: number): boolean {
    if (this.#hashed > 0 || this.#count > WALKED_RECORDS) return false;
    if (after < 0) this.#walks += 1;
    return this.#walks <= WALKS;
  }

  /** Every record may be the one, the newest first. */
  #walk(_hash: number, after: number): number {
    return after < 0 ? this.#count - 1 : after - 1;
  }

  #probeTable(hash: number, after: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    if (mask < 0) return -1;
    let slot = hash & mask;
    let passed = after < 0;
    for (;;) {
      const entry = (table[slot] ?? 0) - 1;
      if (entry < 0) return -1;
      if (passed && this.#hashes[entry] === hash) return entry;
      if (entry === after) passed = true;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const size = this.#positions.length * 2;
    const positions = new Float64Array(size);
    positions.set(this.#positions);
    this.#positions = positions;
    const lengths = new Uint32Array(size);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
  }

  #hashAll(): void {
    if (this.#hashed === this.#count) return;
    if (this.#hashes.length < this.#positions.length) {
      const hashes = new Uint32Array(this.#positions.length);
      hashes.set(this.#hashes.subarray(0, this.#hashed));
      this.#hashes = hashes;
    }
    for (; this.#hashed < this.#count; this.#hashed += 1) {
      // Half of the table stays empty.
      if (this.#keys * 2 >= this.#table.length) this.#growTable();
      const key = this.#keyOf(this.#hashed);
      const hash = hashKey(key, this.#seed);
      this.#hashes[this.#hashed] = hash;
      this.#place(this.#hashed, hash, key);
    }
  }

  /** Puts an entry where its key's last one is, or into a free slot. */
  #place(entry: number, hash: number, key: EncodedKey): void {
    const mask = this.#table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const other = (this.#table[slot] ?? 0) - 1;
      if (other >= 0 && (this.#hashes[other] !== hash || this.#keyOf(other) !== key)) continue;
      if (other < 0) this.#keys += 1;
      this.#table[slot] = entry + 1;
      return;
    }
  }

  #growTable(): void {
    const old = this.#table;
    this.#table = new Uint32Array(Math.max(INITIAL_ENTRIES, old.length * 4));
    const mask = this.#table.length - 1;
    for (const taken of old) {
      if (taken === 0) continue;
      let slot = (this.#hashes[taken - 1] ?? 0) & mask;
      while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
      this.#table[slot] = taken;
    }
  }

  /** Of the entries that have no place in the order yet, the newest of each key, sorted. */
  #newestOfFresh(): Uint32Array {
    const first = this.#ordered;
    const keys: EncodedKey[] = [];
    for (let entry = first; entry < this.#count; entry += 1) keys.push(this.#keyOf(entry));
    const keyOf = (entry: number): EncodedKey => keys[entry - first] ?? ("" as EncodedKey);
    const sorted = sortedNumbers(keys).map((number) => first + number);
    let kept = 0;
    for (let index = 0; index < sorted.length; index += 1) {
      const entry = sorted[index] ?? 0;
      const next = sorted[index + 1];
      if (next !== undefined && keyOf(next) === keyOf(entry)) continue;
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
