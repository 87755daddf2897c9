import { placeOf } from "../format/hash.ts";

/** So many homes are sorted by at a time: about three million entries, whose numbers take 12 MiB. */
const PART_HOMES: number = 2 ** 22;

/** Entries of a part are put into buckets of so many homes first: what is counted of one is 256 KiB, and stays near the processor. */
const BUCKET_HOMES: number = 2 ** 16;

/** Sorts entries by their homes in a hash table, part by part; each by counting, into buckets and then in every one. */
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

  /** The numbers of a part's entries in the order of their homes. */
  *sorted(part: number): Generator<void, Uint32Array> {
    const from = part * PART_HOMES;
    const homes = Math.min(PART_HOMES, this.#homes - from);
    const ends = new Uint32Array(Math.ceil(homes / BUCKET_HOMES));
    const sorted = this.#putIntoBuckets(ends, from, homes);
    yield;
    const places = new Uint32Array(BUCKET_HOMES);
    for (let bucket = 0; bucket < ends.length; bucket += 1) {
      const members = sorted.subarray(bucket === 0 ? 0 : ends[bucket - 1], ends[bucket]);
      this.#sortBucket(members, places.fill(0), from + bucket * BUCKET_HOMES);
      yield;
    }
    return sorted;
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

  /** Sorts the members of the bucket whose first home is `from`; `places` are zeros, one a home. */
  #sortBucket(members: Uint32Array, places: Uint32Array, from: number): void {
    for (let index = 0; index < members.length; index += 1) {
      const home = this.homeOf(members[index] ?? 0) - from;
      places[home] = (places[home] ?? 0) + 1;
    }
    turnIntoStarts(places);
    const unsorted = members.slice();
    for (let index = 0; index < unsorted.length; index += 1) {
      const entry = unsorted[index] ?? 0;
      const home = this.homeOf(entry) - from;
      const place = places[home] ?? 0;
      members[place] = entry;
      places[home] = place + 1;
    }
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
