import type { EncodedKey } from "../format/key.ts";

/** What an entry takes beside its key and its value: an estimate of two objects and their place in the map. */
const ENTRY_BYTES = 128;

/** One value must not drive all others out. */
const LARGEST_PART = 1 / 8;

/** A value as it was asked for: text, or bytes that nobody else holds. */
interface CachedValue<T extends string | Uint8Array> {
  readonly value: T;
  /** Absolute milliseconds since 1970, or 0 for never. */
  readonly expiresAt: number;
}

/**
 * Values that were read, the least recently used of which go first once all of
 * them take more than a number of bytes. It knows nothing of writes: whoever
 * uses it forgets what may have been replaced.
 */
export class ValueCache<T extends string | Uint8Array> {
  readonly #limit: number;
  /** The oldest first: a Map keeps the order of insertion. */
  readonly #values = new Map<EncodedKey, CachedValue<T>>();
  #bytes = 0;

  /** `limit` in bytes; with 0 nothing is kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A value that has not expired by `now`. */
  get(key: EncodedKey, now: number): T | undefined {
    const found = this.#values.get(key);
    if (found === undefined) return undefined;
    if (found.expiresAt !== 0 && found.expiresAt <= now) {
      this.forget(key);
      return undefined;
    }
    this.#values.delete(key);
    this.#values.set(key, found);
    return found.value;
  }

  put(key: EncodedKey, value: T, expiresAt: number): void {
    const bytes = sizeOf(key, value);
    if (bytes > this.#limit * LARGEST_PART) return;
    this.forget(key);
    this.#values.set(key, { value, expiresAt });
    this.#bytes += bytes;
    for (const oldest of this.#values.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.forget(oldest);
    }
  }

  forget(key: EncodedKey): void {
    const found = this.#values.get(key);
    if (found === undefined) return;
    this.#values.delete(key);
    this.#bytes -= sizeOf(key, found.value);
  }

  clear(): void {
    if (this.#values.size === 0) return;
    this.#values.clear();
    this.#bytes = 0;
  }
}

function sizeOf(key: EncodedKey, value: string | Uint8Array): number {
  return ENTRY_BYTES + key.length + value.length;
}
