import { ENTRIES_A_PAGE, ENTRY_WORDS } from "../format/index-file.ts";
import { BUCKET_HOMES } from "./home-sort.ts";

/**
 * Fills the slots of a hash table bucket by bucket, and hands them on page by page.
 * Linear probing in the order of the homes: an entry takes the next free slot from its home on.
 */
export class SlotTable {
  readonly #words: Int32Array;
  readonly #homeOf: (entry: number) => number;
  readonly #onPage: (page: Int32Array) => void;
  /** Of each home of a bucket how many entries have it, and then the slot of the next of them. */
  readonly #places = new Uint32Array(BUCKET_HOMES);
  #block = new Int32Array(BUCKET_HOMES * ENTRY_WORDS);
  readonly #page = new Int32Array(ENTRIES_A_PAGE * ENTRY_WORDS);
  /** How many words of `#page` are filled. */
  #filled = 0;
  /** The first slot that was not handed on yet. */
  #next = 0;

  /** `words` are what entries put into their slots, `ENTRY_WORDS` each. */
  constructor(words: Int32Array, homeOf: (entry: number) => number, onPage: (page: Int32Array) => void) {
    this.#words = words;
    this.#homeOf = homeOf;
    this.#onPage = onPage;
  }

  /** Puts the entries of a bucket in, whose first home is `from`; buckets come in ascending order. */
  put(entries: Uint32Array, from: number): void {
    const start = this.#next;
    const end = this.#allot(entries, from);
    const words = (end - start) * ENTRY_WORDS;
    if (words > this.#block.length) this.#block = new Int32Array(words);
    this.#fill(entries, from);
    this.#handOn(this.#block.subarray(0, words));
    this.#block.fill(0, 0, words);
    this.#next = end;
  }

  /** Hands the last pages on, up to so many slots. */
  finish(slots: number): void {
    if (this.#next < slots) this.#handOn(new Int32Array((slots - this.#next) * ENTRY_WORDS));
    if (this.#filled > 0) this.#endPage();
  }

  /** Finds the first slot of each home, counted from the first that is free; where the slots of the bucket end. */
  #allot(entries: Uint32Array, from: number): number {
    const places = this.#places.fill(0);
    for (let index = 0; index < entries.length; index += 1) {
      const home = this.#homeOf(entries[index] ?? 0) - from;
      places[home] = (places[home] ?? 0) + 1;
    }
    const first = this.#next;
    let free = first;
    for (let home = 0; home < places.length; home += 1) {
      const count = places[home] ?? 0;
      if (count === 0) continue;
      free = Math.max(free, from + home);
      places[home] = free - first;
      free += count;
    }
    return Math.max(free, from);
  }

  #fill(entries: Uint32Array, from: number): void {
    const words = this.#words;
    const places = this.#places;
    const block = this.#block;
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index] ?? 0;
      const home = this.#homeOf(entry) - from;
      const slot = places[home] ?? 0;
      places[home] = slot + 1;
      block[slot * ENTRY_WORDS] = words[entry * ENTRY_WORDS] ?? 0;
      block[slot * ENTRY_WORDS + 1] = words[entry * ENTRY_WORDS + 1] ?? 0;
    }
  }

  #handOn(words: Int32Array): void {
    for (let at = 0; at < words.length;) {
      const part = words.subarray(at, at + this.#page.length - this.#filled);
      this.#page.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#page.length) this.#endPage();
    }
  }

  #endPage(): void {
    this.#onPage(this.#page);
    this.#page.fill(0);
    this.#filled = 0;
  }
}
