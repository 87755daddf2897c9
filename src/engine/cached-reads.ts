import type { EncodedKey } from "../format/key.ts";
import type { Mutation, StoredRecord } from "../format/record.ts";
import { hasBug } from "../format/seeded-bugs.ts";
import { bytesOf, textOf } from "./value.ts";
import { ValueCache } from "./value-cache.ts";

/** Reads values by way of a cache, which two halves of the bytes serve: one for text, one for bytes. */
export class CachedReads {
  readonly #texts: ValueCache<string>;
  readonly #bytes: ValueCache<Uint8Array>;
  /** The view that the cached values were read from. */
  #version = -1;

  constructor(limit: number) {
    this.#texts = new ValueCache(limit / 2);
    this.#bytes = new ValueCache(limit / 2);
  }

  /** Forgets everything if the store was changed by others since; called with the view's version before every read. */
  see(version: number): void {
    if (version === this.#version || hasBug("serve from the cache what others have replaced")) return;
    this.#version = version;
    this.#texts.clear();
    this.#bytes.clear();
  }

  /** Forgets what a write of this handle replaces. */
  forget(mutations: readonly Mutation[]): void {
    for (const { key } of mutations) {
      this.#texts.forget(key);
      this.#bytes.forget(key);
    }
  }

  text(key: EncodedKey, now: number, read: () => StoredRecord | undefined): string | undefined {
    const cached = this.#texts.get(key, now);
    if (cached !== undefined) return cached;
    const record = read();
    if (record === undefined) return undefined;
    const text = textOf(record);
    this.#texts.put(key, text, record.expiresAt);
    return text;
  }

  /** The array is the caller's own. */
  bytes(key: EncodedKey, now: number, read: () => StoredRecord | undefined): Uint8Array | undefined {
    const cached = this.#bytes.get(key, now);
    if (cached !== undefined) return new Uint8Array(cached);
    const record = read();
    if (record === undefined) return undefined;
    const bytes = bytesOf(record);
    this.#bytes.put(key, new Uint8Array(bytes), record.expiresAt);
    return bytes;
  }
}
