const INITIAL_SLOTS = 2048;

/** A slot is two words side by side, so that a lookup waits for memory once: the hash, and the entry's number plus 1, or 0. */
const SLOT_WORDS = 2;

/** Tells entries of one hash apart. */
export interface EntryKeys {
  isSameKey(entry: number, other: number): boolean;
}

/** A hash table of numbered entries by the hashes of their keys: linear probing, at least half of it empty. */
export class EntryTable {
  /** Signed, as hashes are. */
  #slots = new Int32Array();
  /** How many slots are taken. */
  size = 0;

  /** The next entry after `after` with this hash; -1 to start with, and at the end. */
  probe(hash: number, after: number): number {
    const slots = this.#slots;
    const mask = slots.length / SLOT_WORDS - 1;
    if (mask < 0) return -1;
    let passed = after < 0;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = (slots[slot * SLOT_WORDS + 1] ?? 0) - 1;
      if (entry < 0) return -1;
      if (passed && slots[slot * SLOT_WORDS] === hash) return entry;
      if (entry === after) passed = true;
    }
  }

  /** Puts an entry in the place of the one whose key it has, or into a free slot. */
  put(entry: number, hash: number, keys: EntryKeys): void {
    if (this.size * 2 * SLOT_WORDS >= this.#slots.length) this.reserve(this.size + 1);
    const slots = this.#slots;
    const mask = slots.length / SLOT_WORDS - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const other = (slots[slot * SLOT_WORDS + 1] ?? 0) - 1;
      if (other >= 0 && (slots[slot * SLOT_WORDS] !== hash || !keys.isSameKey(entry, other))) continue;
      if (other < 0) this.size += 1;
      slots[slot * SLOT_WORDS] = hash;
      slots[slot * SLOT_WORDS + 1] = entry + 1;
      return;
    }
  }

  /** Makes room for so many entries at once: growing step by step puts each of them in twice. */
  reserve(entries: number): void {
    let slots = Math.max(INITIAL_SLOTS, this.#slots.length / SLOT_WORDS);
    while (slots < entries * 2) slots *= 2;
    if (slots * SLOT_WORDS > this.#slots.length) this.#resize(slots);
  }

  clear(): void {
    this.#slots = new Int32Array();
    this.size = 0;
  }

  #resize(count: number): void {
    const old = this.#slots;
    const grown = new Int32Array(count * SLOT_WORDS);
    const mask = grown.length / SLOT_WORDS - 1;
    for (let at = 0; at < old.length; at += SLOT_WORDS) {
      const taken = old[at + 1] ?? 0;
      if (taken === 0) continue;
      const hash = old[at] ?? 0;
      let slot = hash & mask;
      while (grown[slot * SLOT_WORDS + 1] !== 0) slot = (slot + 1) & mask;
      grown[slot * SLOT_WORDS] = hash;
      grown[slot * SLOT_WORDS + 1] = taken;
    }
    this.#slots = grown;
  }
}
