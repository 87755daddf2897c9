import { placeOf } from "../format/hash.ts";

/** So many homes are sorted by at a time: about three million entries, whose numbers take 12 MiB. */
const PART_HOMES: number = 2 ** 22;

/** So many homes are a bucket: what is counted of one is 256 KiB, its slots are 512 KiB, and both stay near the processor. */
export const BUCKET_HOMES: number = 2 ** 16;

/** Entries of which the homes are neighbours, by numbers. */
export interface HomeBuckets {
  /** The first bucket's first home. */
  readonly from: number;
  /** The entries of one bucket after the other, each in ascending order. */
  readonly entries: Uint32Array;
  /** Where in `entries` each bucket ends. */
  readonly ends: Uint32Array;
}

/** Puts entries into buckets by their homes in a hash table, part by part. */
export class HomeSort {
  readonly #hashes: Int32Array;
  readonly #count: number;
  readonly #homes: number;
  /** The entries are the first `count` of those with these hashes. */
  constructor(hashes: Int32Array, count: number, homes: number) {
    this.#hashes = hashes;
    this.#count = count;
    this.#homes = homes;
  }

  get parts(): number {
    return Math.ceil(this.#homes / PART_HOMES);
  }

  /**
   * How many slots are needed, those that the last homes run over the end included: entries from a home on
   * take as many slots from there. Only the last homes have to be looked at, where others cannot run as far.
   */
  slots(): number {
    const from = this.#firstNearEnd();
    const counts = new Uint32Array(this.#homes - from);
    for (let entry = 0; entry < this.#count; entry += 1) {
      const home = this.homeOf(entry) - from;
      if (home >= 0) counts[home] = (counts[home] ?? 0) + 1;
    }
    let slots = this.#homes;
    for (let home = counts.length - 1, entries = 0; home >= 0; home -= 1) {
      const count = counts[home] ?? 0;
      entries += count;
      if (count > 0) slots = Math.max(slots, from + home + entries);
    }
    return slots;
  }

  homeOf(entry: number): number {
    return placeOf(this.#hashes[entry] ?? 0, this.#homes);
  }

  /** A part's entries, bucket by bucket. */
  buckets(part: number): HomeBuckets {
    const from = part * PART_HOMES;
    const homes = Math.min(PART_HOMES, this.#homes - from);
    const ends = new Uint32Array(Math.ceil(homes / BUCKET_HOMES));
    return { from, ends, entries: this.#putIntoBuckets(ends, from, homes) };
  }

  /** The first home of the buckets from which entries may run over the end: even if all of one had its last home. */
  #firstNearEnd(): number {
    const counts = new Uint32Array(Math.ceil(this.#homes / BUCKET_HOMES));
    for (let entry = 0; entry < this.#count; entry += 1) {
      const bucket = Math.floor(this.homeOf(entry) / BUCKET_HOMES);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    let first = this.#homes;
    for (let bucket = counts.length - 1, entries = 0; bucket >= 0; bucket -= 1) {
      entries += counts[bucket] ?? 0;
      if ((bucket + 1) * BUCKET_HOMES + entries > this.#homes) first = bucket * BUCKET_HOMES;
    }
    return first;
  }

  /** The numbers of the entries with these homes, bucket by bucket; where each ends is left in `ends`. */
  #putIntoBuckets(ends: Uint32Array, from: number, homes: number): Uint32Array {
    for (let entry = 0; entry < this.#count; entry += 1) {
      const home = this.homeOf(entry) - from;
      if (home < 0 || home >= homes) continue;
      const bucket = Math.floor(home / BUCKET_HOMES);
      ends[bucket] = (ends[bucket] ?? 0) + 1;
    }
    const entries = new Uint32Array(turnIntoStarts(ends));
    for (let entry = 0; entry < this.#count; entry += 1) {
      const home = this.homeOf(entry) - from;
      if (home < 0 || home >= homes) continue;
      const bucket = Math.floor(home / BUCKET_HOMES);
      const place = ends[bucket] ?? 0;
      entries[place] = entry;
      ends[bucket] = place + 1;
    }
    return entries;
  }
}

/** Turns counts into the sums of those before each; the sum of all. */
function turnIntoStarts(counts: Uint32Array): number {
  let sum = 0;
  for (let index = 0; index < counts.length; index += 1) {
    const count = counts[index] ?? 0;
    counts[index] = sum;
    sum += count;
  }
  return sum;
}
