import type { EncodedKey } from "../format/key.ts";
import { compareKeys } from "./keys.ts";
import { type KeyReader, PREFIX_BYTES } from "./key-reader.ts";

/** A place among the keys takes the low bits of a 64-bit word, and `PREFIX_BYTES` of the key the others. */
const PLACE_BITS = 24;
const MAX_PLACES: number = 2 ** PLACE_BITS;
const PLACE_MASK: number = MAX_PLACES - 1;

/** Words of 32 bits stand with the low half first. */
const LOW = 0;
const HIGH = 1;

/** Keys that agree so far are sorted one by one up to this many. */
const FEW = 64;

/** Entries of an index: where the records of the keys are. */
export interface EntryPlaces {
  positionOf(entry: number): number;
  lengthOf(entry: number): number;
}

/**
 * The entries from `from` to the one before `to` in bytewise order of their keys,
 * those of one key in the order of their numbers.
 */
export function sortEntries(keys: KeyReader, places: EntryPlaces, from: number, to: number): Uint32Array {
  const entries = new Uint32Array(to - from);
  for (let place = 0; place < entries.length; place += 1) entries[place] = from + place;
  new KeySort(keys, places).sort(entries);
  return entries;
}

/**
 * Most of the work is done by sorting plain 64-bit words: a few bytes of each key,
 * behind what all of them start with, and its place. Those that agree in these
 * bytes are sorted by the next ones.
 */
class KeySort {
  readonly #keys: KeyReader;
  readonly #places: EntryPlaces;
  /** The prefixes of a few keys. */
  readonly #prefixes = new Float64Array(FEW);

  constructor(keys: KeyReader, places: EntryPlaces) {
    this.#keys = keys;
    this.#places = places;
  }

  /** Sorts entries that stand in ascending order. */
  sort(entries: Uint32Array): void {
    if (entries.length < 2) return;
    const first = this.#keyOf(entries[0] ?? 0);
    const shared = this.#sharedBy(entries, first);
    if (shared === first.length && this.#areAll(entries, first)) return;
    if (entries.length > MAX_PLACES) this.#sortByText(entries);
    else if (entries.length <= FEW)
      this.#sortFew(entries, 0, entries.length, (place) => this.#prefixOf(entries[place] ?? 0, shared));
    else this.#sortWords(entries, shared);
  }

  #sortWords(entries: Uint32Array, at: number): void {
    const words = new BigUint64Array(entries.length);
    const halves = new Uint32Array(words.buffer);
    // Keys are read once, in the order of the log: those of a tie lie far apart in it.
    const next = new Float64Array(entries.length);
    for (let place = 0; place < entries.length; place += 1) {
      const entry = entries[place] ?? 0;
      const prefix = this.#prefixOf(entry, at);
      halves[place * 2 + HIGH] = Math.floor(prefix / 256);
      halves[place * 2 + LOW] = ((prefix % 256) << PLACE_BITS) | place;
      next[place] = this.#prefixOf(entry, at + PREFIX_BYTES);
    }
    words.sort();
    const before = entries.slice();
    for (let place = 0; place < entries.length; place += 1) {
      entries[place] = before[(halves[place * 2 + LOW] ?? 0) & PLACE_MASK] ?? 0;
    }
    this.#sortTies(
      entries,
      (place) => (halves[place * 2 + HIGH] ?? 0) * 256 + ((halves[place * 2 + LOW] ?? 0) >>> PLACE_BITS),
      (place) => next[(halves[place * 2 + LOW] ?? 0) & PLACE_MASK] ?? 0,
    );
  }

  /** Insertion sort of the entries from one place to another, by what `prefixAt` says was at a place: the quickest for so few. */
  #sortFew(entries: Uint32Array, from: number, to: number, prefixAt: (place: number) => number): void {
    const prefixes = this.#prefixes;
    for (let place = from; place < to; place += 1) {
      const entry = entries[place] ?? 0;
      const prefix = prefixAt(place);
      let hole = place;
      for (; hole > from; hole -= 1) {
        const before = prefixes[hole - 1 - from] ?? 0;
        if (before < prefix) break;
        if (before === prefix && this.#compare(entries[hole - 1] ?? 0, entry) <= 0) break;
        entries[hole] = entries[hole - 1] ?? 0;
        prefixes[hole - from] = before;
      }
      entries[hole] = entry;
      prefixes[hole - from] = prefix;
    }
  }

  /** Sorts runs of entries whose keys agree in the bytes that were compared, as `prefixAt` tells, by what follows these: `nextAt`. */
  #sortTies(
    entries: Uint32Array,
    prefixAt: (place: number) => number,
    nextAt: (place: number) => number,
  ): void {
    let start = 0;
    let prefix = prefixAt(0);
    for (let place = 1; place <= entries.length; place += 1) {
      const here = place < entries.length ? prefixAt(place) : -1;
      if (here === prefix) continue;
      prefix = here;
      if (place - start === entries.length) this.#sortByText(entries);
      else if (place - start > FEW) this.sort(entries.subarray(start, place));
      else if (place - start > 1) this.#sortFew(entries, start, place, nextAt);
      start = place;
    }
  }

  /** The last resort: one that has ended looks like another that goes on with zeros. */
  #sortByText(entries: Uint32Array): void {
    entries.sort((a, b) => this.#compare(a, b));
  }

  #compare(a: number, b: number): number {
    return compareKeys(this.#keyOf(a), this.#keyOf(b)) || a - b;
  }

  /** How many bytes all keys start with that `first` starts with. */
  #sharedBy(entries: Uint32Array, first: EncodedKey): number {
    let shared = first.length;
    for (let place = 1; place < entries.length && shared > 0; place += 1) {
      const entry = entries[place] ?? 0;
      shared = this.#keys.sharedAt(
        this.#places.positionOf(entry),
        this.#places.lengthOf(entry),
        first,
        shared,
      );
    }
    return shared;
  }

  #areAll(entries: Uint32Array, key: EncodedKey): boolean {
    for (const entry of entries) {
      if (!this.#keys.isKeyAt(this.#places.positionOf(entry), this.#places.lengthOf(entry), key))
        return false;
    }
    return true;
  }

  #prefixOf(entry: number, at: number): number {
    return this.#keys.prefixAt(this.#places.positionOf(entry), this.#places.lengthOf(entry), at);
  }

  #keyOf(entry: number): EncodedKey {
    return this.#keys.keyAt(this.#places.positionOf(entry), this.#places.lengthOf(entry));
  }
}
