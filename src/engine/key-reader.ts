import { hashKey } from "../format/hash.ts";
import type { EncodedKey } from "../format/key.ts";
import type { KeyPacking, KeySurvey } from "./key-survey.ts";

/** So many bytes of a key make one number: as many as a double counts exactly beside a byte to spare. */
export const PREFIX_BYTES = 5;

/** Reads the keys of a log's records; a record is known by its position and its length. */
export interface KeyReader {
  /** Called before many keys are read, and `letGo` after. */
  hold(): void;
  letGo(): void;
  keyAt(position: number, length: number): EncodedKey;
  hashAt(position: number, length: number): number;
  /** `PREFIX_BYTES` of a key from its byte `at` on, as a number, the first byte being the highest; a key that has ended goes on with zeros. */
  prefixAt(position: number, length: number, at: number): number;
  surveyAt(position: number, length: number, survey: KeySurvey): void;
  packAt(position: number, length: number, packing: KeyPacking): number;
  /** Whether two records have one key. */
  haveSameKey(position: number, length: number, otherPosition: number, otherLength: number): boolean;
}

/** Reads keys by way of strings: for those that stand in the log in another form. */
export class TextKeyReader implements KeyReader {
  readonly keyAt: (position: number, length: number) => EncodedKey;
  readonly #seed: number;

  /** `seed` is what the hashes start from. */
  constructor(seed: number, keyAt: (position: number, length: number) => EncodedKey) {
    this.keyAt = keyAt;
    this.#seed = seed;
  }

  hold(): void {
    // Nothing is quicker for being announced.
  }

  letGo(): void {
    // Nothing was held.
  }

  hashAt(position: number, length: number): number {
    return hashKey(this.keyAt(position, length), this.#seed);
  }

  prefixAt(position: number, length: number, at: number): number {
    const key = this.keyAt(position, length);
    let prefix = 0;
    for (let index = at; index < at + PREFIX_BYTES; index += 1) {
      prefix = prefix * 256 + (index < key.length ? key.charCodeAt(index) : 0);
    }
    return prefix;
  }

  surveyAt(position: number, length: number, survey: KeySurvey): void {
    const bytes = Buffer.from(this.keyAt(position, length), "latin1");
    survey.add(bytes, 0, bytes.length);
  }

  packAt(position: number, length: number, packing: KeyPacking): number {
    const bytes = Buffer.from(this.keyAt(position, length), "latin1");
    return packing.pack(bytes, 0, bytes.length);
  }

  haveSameKey(position: number, length: number, otherPosition: number, otherLength: number): boolean {
    return this.keyAt(position, length) === this.keyAt(otherPosition, otherLength);
  }
}
