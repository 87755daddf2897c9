/** So many bytes behind what all keys start with are looked at. */
const SURVEYED_BYTES = 16;

/** What a packed key is less than: a double counts so far exactly, and a place stands beside it in 64 bits. */
const MOST_PACKED: number = 2 ** 40;

/** What a number of keys have in common: how they start, and which bytes there are at each place behind that. */
export class KeySurvey {
  readonly #first: Buffer;
  /** The least and the greatest byte at each place, of the keys that have one there. */
  readonly #least: Buffer;
  readonly #greatest: Buffer;
  /** How many bytes all of them start with. */
  shared: number;
  #shortest: number;
  #longest: number;

  /** `first` are the bytes of one of the keys. */
  constructor(first: Buffer) {
    this.#first = first;
    this.#least = Buffer.alloc(first.length + SURVEYED_BYTES, 0xff);
    this.#greatest = Buffer.alloc(first.length + SURVEYED_BYTES);
    first.copy(this.#least);
    first.copy(this.#greatest);
    this.shared = first.length;
    this.#shortest = first.length;
    this.#longest = first.length;
  }

  get areEqual(): boolean {
    return this.shared === this.#longest;
  }

  /**
   * Takes in a key that stands in a buffer. What lies behind `shared` was looked at of all keys
   * before, as that only becomes less; and what lies before it is the same in all of them.
   */
  add(bytes: Buffer, start: number, end: number): void {
    const first = this.#first;
    const least = this.#least;
    const greatest = this.#greatest;
    const length = end - start;
    const bound = Math.min(this.shared, length);
    let at = 0;
    while (at < bound && bytes[start + at] === first[at]) at += 1;
    this.shared = at;
    for (const to = Math.min(length, at + SURVEYED_BYTES); at < to; at += 1) {
      const byte = bytes[start + at] ?? 0;
      if (byte < (least[at] ?? 0)) least[at] = byte;
      if (byte > (greatest[at] ?? 0)) greatest[at] = byte;
    }
    if (length < this.#shortest) this.#shortest = length;
    if (length > this.#longest) this.#longest = length;
  }

  /** How these keys are packed best. */
  packing(): KeyPacking {
    const sizes: number[] = [];
    const bases: number[] = [];
    let product = 1;
    for (let at = this.shared; at < this.shared + SURVEYED_BYTES && at < this.#longest; at += 1) {
      const least = this.#least[at] ?? 0;
      // A key that has ended comes before all that go on.
      const endSize = at < this.#shortest ? 0 : 1;
      const size = (this.#greatest[at] ?? 0) - least + 1 + endSize;
      if (product * size > MOST_PACKED) break;
      product *= size;
      sizes.push(size);
      bases.push(least - endSize);
    }
    return new KeyPacking({ at: this.shared, sizes, bases, longest: this.#longest });
  }
}

/**
 * Makes one number of each key, in the order of the keys, out of as many of their bytes as fit in:
 * of decimal digits twelve do, of any bytes five.
 */
export class KeyPacking {
  readonly #at: number;
  readonly #bases: Int32Array;
  readonly #factors: Float64Array;
  /** Where the bytes start that were left out. */
  readonly end: number;
  /** Whether none were. */
  readonly isWhole: boolean;

  /** From the byte `at` on each place has `sizes` numbers, of which `bases` is to be subtracted from the byte. */
  constructor({
    at,
    sizes,
    bases,
    longest,
  }: {
    readonly at: number;
    readonly sizes: readonly number[];
    readonly bases: readonly number[];
    readonly longest: number;
  }) {
    this.#at = at;
    this.#bases = Int32Array.from(bases);
    this.#factors = new Float64Array(sizes.length);
    let factor = 1;
    for (let place = sizes.length - 1; place >= 0; place -= 1) {
      this.#factors[place] = factor;
      factor *= sizes[place] ?? 1;
    }
    this.end = at + sizes.length;
    this.isWhole = this.end >= longest;
  }

  /** Packs a key that stands in a buffer, one of those that were surveyed. */
  pack(bytes: Buffer, start: number, end: number): number {
    const bases = this.#bases;
    const factors = this.#factors;
    const from = start + this.#at;
    const places = Math.min(factors.length, end - from);
    let packed = 0;
    for (let place = 0; place < places; place += 1) {
      packed += ((bytes[from + place] ?? 0) - (bases[place] ?? 0)) * (factors[place] ?? 0);
    }
    return packed;
  }
}
