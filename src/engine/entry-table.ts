const INITIAL_SLOTS = 2048;

/** The entries that a table finds: what their keys' hashes are, signed, and whose keys are the same. */
export interface Entries {
  hashOf(entry: number): number;
  isSameKey(entry: number, other: number): boolean;
}

/**
 * A hash table of numbered entries by the hashes of their keys: linear probing, at least half of it empty. A slot is one
 * word: its low bits are the entry's number plus 1, or 0, the others those of the hash. A lookup mostly waits for memory
 * once, and a table of half a million entries, 4 MiB, is filled at twice the speed of one with the whole hashes in it.
 */
export class EntryTable {
  readonly #entries: Entries;
  #slots = new Int32Array();
  /** How many slots are taken. */
  size = 0;

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  /** The next entry after `after` with this hash; -1 to start with, and at the end. */
  probe(hash: number, after: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    if (mask < 0) return -1;
    let passed = after < 0;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const word = slots[slot] ?? 0;
      const entry = (word & mask) - 1;
      if (entry < 0) return -1;
      if (passed && ((word ^ hash) & ~mask) === 0 && this.#entries.hashOf(entry) === hash) return entry;
      if (entry === after) passed = true;
    }
  }

  /** Puts an entry in the place of the one whose key it has, or into a free slot. */
  put(entry: number): void {
    this.reserve(entry + 1);
    const hash = this.#entries.hashOf(entry);
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const word = slots[slot] ?? 0;
      if (word !== 0 && !this.#isOf(word, mask, entry, hash)) continue;
      if (word === 0) this.size += 1;
      slots[slot] = (hash & ~mask) | (entry + 1);
      return;
    }
  }

  /** Makes room for entries up to this number at once: growing step by step puts each of them in twice. */
  reserve(entries: number): void {
    if (entries * 2 <= this.#slots.length) return;
    let slots = Math.max(INITIAL_SLOTS, this.#slots.length);
    while (slots < entries * 2) slots *= 2;
    this.#resize(slots);
  }

  clear(): void {
    this.#slots = new Int32Array();
    this.size = 0;
  }

  /** Whether a slot is that of an entry's key. */
  #isOf(word: number, mask: number, entry: number, hash: number): boolean {
    if (((word ^ hash) & ~mask) !== 0) return false;
    const other = (word & mask) - 1;
    return this.#entries.hashOf(other) === hash && this.#entries.isSameKey(entry, other);
  }

  #resize(count: number): void {
    const old = this.#slots;
    const grown = new Int32Array(count);
    const mask = count - 1;
    for (let at = 0; at < old.length; at += 1) {
      const taken = (old[at] ?? 0) & (old.length - 1);
      if (taken === 0) continue;
      const hash = this.#entries.hashOf(taken - 1);
      let slot = hash & mask;
      while (grown[slot] !== 0) slot = (slot + 1) & mask;
      grown[slot] = (hash & ~mask) | taken;
    }
    this.#slots = grown;
  }
}
