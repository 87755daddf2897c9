import type { LogCodec, RawKeys } from "../format/codec.ts";
import { hashKeyBytes } from "../format/hash.ts";
import type { EncodedKey } from "../format/key.ts";
import { type KeyReader, PREFIX_BYTES, TextKeyReader } from "./key-reader.ts";
import type { KeyPacking, KeySurvey } from "./key-survey.ts";
import type { LogBytes } from "./log-bytes.ts";

/**
 * The keys of one log. Where they stand in memory as they are, they are looked at
 * there: an index of a million keys takes a million strings less.
 */
export class LogKeys implements KeyReader {
  readonly #bytes: LogBytes;
  readonly #codec: LogCodec;
  readonly #rawKeys: RawKeys | undefined;
  readonly #seed: number;
  readonly #keyOnDisk: (position: number, length: number) => EncodedKey;
  readonly #verifiedMap: () => Buffer | undefined;
  /** All of the log, verified, and where in it the buffer starts. */
  #held: Buffer | undefined;
  #heldStart = 0;
  readonly #text: TextKeyReader;
  /** What `#find` found: the bytes of a key. */
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  /**
   * `keyOnDisk` reads a record that is not in memory, and verifies it; `verifiedMap`
   * verifies all of the log and gives its map, where there is one.
   */
  constructor(
    bytes: LogBytes,
    codec: LogCodec,
    seed: number,
    disk: {
      readonly keyOnDisk: (position: number, length: number) => EncodedKey;
      readonly verifiedMap: () => Buffer | undefined;
    },
  ) {
    this.#bytes = bytes;
    this.#codec = codec;
    this.#rawKeys = codec.rawKeys;
    this.#seed = seed;
    this.#keyOnDisk = disk.keyOnDisk;
    this.#verifiedMap = disk.verifiedMap;
    this.#text = new TextKeyReader(seed, (position, length) => this.keyAt(position, length));
  }

  /** One checksum over all of a log takes a hundredth of the time of those of its records. */
  hold(): void {
    if (this.#rawKeys === undefined) return;
    const { start, tail } = this.#bytes.wholeTail();
    this.#held = tail ?? this.#verifiedMap();
    this.#heldStart = tail === undefined ? 0 : start;
  }

  letGo(): void {
    this.#held = undefined;
  }

  keyAt(position: number, length: number): EncodedKey {
    const bytes = this.#bytes;
    // What is in memory was verified when it was read, or has just been made.
    if (bytes.isInTail(position)) {
      bytes.locate(position, length);
      return this.#codec.keyOf(bytes.buffer, bytes.offset, bytes.offset + length);
    }
    if (this.#held === undefined) return this.#keyOnDisk(position, length);
    const at = position - this.#heldStart;
    return this.#codec.keyOf(this.#held, at, at + length);
  }

  hashAt(position: number, length: number): number {
    if (!this.#find(position)) return this.#text.hashAt(position, length);
    return hashKeyBytes(this.#buffer, this.#start, this.#end, this.#seed);
  }

  prefixAt(position: number, length: number, at: number): number {
    if (!this.#find(position)) return this.#text.prefixAt(position, length, at);
    let prefix = 0;
    for (let index = this.#start + at; index < this.#start + at + PREFIX_BYTES; index += 1) {
      prefix = prefix * 256 + (index < this.#end ? (this.#buffer[index] ?? 0) : 0);
    }
    return prefix;
  }

  surveyAt(position: number, length: number, survey: KeySurvey): void {
    if (this.#find(position)) survey.add(this.#buffer, this.#start, this.#end);
    else this.#text.surveyAt(position, length, survey);
  }

  packAt(position: number, length: number, packing: KeyPacking): number {
    if (!this.#find(position)) return this.#text.packAt(position, length, packing);
    return packing.pack(this.#buffer, this.#start, this.#end);
  }

  haveSameKey(position: number, length: number, otherPosition: number, otherLength: number): boolean {
    const buffer = this.#find(position) ? this.#buffer : undefined;
    const start = this.#start;
    const keyLength = this.#end - start;
    if (buffer === undefined || !this.#find(otherPosition) || this.#buffer !== buffer) {
      return this.#text.haveSameKey(position, length, otherPosition, otherLength);
    }
    if (this.#end - this.#start !== keyLength) return false;
    for (let at = 0; at < keyLength; at += 1) {
      if (buffer[start + at] !== buffer[this.#start + at]) return false;
    }
    return true;
  }

  /** Finds the bytes of a key, if they stand in memory as they are. */
  #find(position: number): boolean {
    const rawKeys = this.#rawKeys;
    if (rawKeys === undefined) return false;
    let buffer = this.#held;
    let at = position - this.#heldStart;
    if (buffer === undefined) {
      const bytes = this.#bytes;
      if (!bytes.isInTail(position)) return false;
      buffer = bytes.tail.whole();
      at = bytes.tailOffset(position);
    }
    const start = rawKeys.startOf(buffer, at);
    this.#buffer = buffer;
    this.#start = start;
    this.#end = start + rawKeys.lengthOf(buffer, at);
    return true;
  }
}
