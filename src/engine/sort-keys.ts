import { compareKeys, type EncodedKey } from "../format/key.ts";
import type { KeyReader } from "./key-reader.ts";
import { type KeyPacking, KeySurvey } from "./key-survey.ts";

/** A place among the keys takes the low bits of a 64-bit word, and a packed key the others. */
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
    const survey = this.#survey(entries);
    if (survey.areEqual) return;
    const { shared } = survey;
    if (entries.length > MAX_PLACES) entries.sort((a, b) => this.#compare(a, b));
    else if (entries.length <= FEW)
      this.#sortFew(entries, 0, entries.length, (place) => this.#prefixOf(entries[place] ?? 0, shared));
    else this.#sortWords(entries, survey.packing());
  }

  #survey(entries: Uint32Array): KeySurvey {
    const keys = this.#keys;
    const places = this.#places;
    const survey = new KeySurvey(Buffer.from(this.#keyOf(entries[0] ?? 0), "latin1"));
    for (let place = 1; place < entries.length; place += 1) {
      const entry = entries[place] ?? 0;
      keys.surveyAt(places.positionOf(entry), places.lengthOf(entry), survey);
    }
    return survey;
  }

  #sortWords(entries: Uint32Array, packing: KeyPacking): void {
    const words = new BigUint64Array(entries.length);
    const halves = new Uint32Array(words.buffer);
    // Keys are read once, in the order of the log: those of a tie lie far apart in it.
    const next = new Float64Array(packing.isWhole ? 0 : entries.length);
    this.#pack(entries, packing, halves, next);
    words.sort();
    const before = entries.slice();
    for (let place = 0; place < entries.length; place += 1) {
      entries[place] = before[(halves[place * 2 + LOW] ?? 0) & PLACE_MASK] ?? 0;
    }
    // Those that agree have one key then, and stand in their order.
    if (packing.isWhole) return;
    this.#sortTies(
      entries,
      (place) => (halves[place * 2 + HIGH] ?? 0) * 256 + ((halves[place * 2 + LOW] ?? 0) >>> PLACE_BITS),
      (place) => next[(halves[place * 2 + LOW] ?? 0) & PLACE_MASK] ?? 0,
    );
  }

  /** Puts the packed key and the place of each entry into a word's halves, and a few bytes more into `next`, unless that is empty. */
  #pack(entries: Uint32Array, packing: KeyPacking, halves: Uint32Array, next: Float64Array): void {
    const keys = this.#keys;
    const places = this.#places;
    for (let place = 0; place < entries.length; place += 1) {
      const entry = entries[place] ?? 0;
      const packed = keys.packAt(places.positionOf(entry), places.lengthOf(entry), packing);
      halves[place * 2 + HIGH] = Math.floor(packed / 256);
      halves[place * 2 + LOW] = ((packed % 256) << PLACE_BITS) | place;
      if (next.length > 0) next[place] = this.#prefixOf(entry, packing.end);
    }
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
      if (place - start > FEW) this.sort(entries.subarray(start, place));
      else if (place - start > 1) this.#sortFew(entries, start, place, nextAt);
      start = place;
    }
  }

  #compare(a: number, b: number): number {
    return compareKeys(this.#keyOf(a), this.#keyOf(b)) || a - b;
  }

  #prefixOf(entry: number, at: number): number {
    return this.#keys.prefixAt(this.#places.positionOf(entry), this.#places.lengthOf(entry), at);
  }

  #keyOf(entry: number): EncodedKey {
    return this.#keys.keyAt(this.#places.positionOf(entry), this.#places.lengthOf(entry));
  }
}
