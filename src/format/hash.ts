import { crc32 } from "./bytes.ts";
import type { EncodedKey } from "./key.ts";

const FNV_PRIME = 0x01000193;
const FNV_OFFSET = 0x811c9dc5;
const TWO_TO_32 = 2 ** 32;

/** Where the hashes of a store start: another store's keys collide elsewhere. */
export function hashSeedOf(storeId: string): number {
  const bytes = Buffer.allocUnsafe(storeId.length / 2);
  bytes.write(storeId, "hex");
  return crc32(bytes, 0, bytes.length, FNV_OFFSET);
}

/**
 * A key's hash, 32 bits: FNV-1a from the seed on, then the finalizer of MurmurHash3.
 * A signed number, as all hashes are here: half of the unsigned ones would be doubles
 * to the compiler, which are slow to take bits from.
 */
export function hashKey(key: EncodedKey, seed: number): number {
  let hash = seed | 0;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), FNV_PRIME);
  return mix(hash);
}

/** The same of a key that stands in a buffer. */
export function hashKeyBytes(bytes: Buffer, start: number, end: number, seed: number): number {
  let hash = seed | 0;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), FNV_PRIME);
  return mix(hash);
}

/** MurmurHash3's 32-bit finalizer, as a signed number: every bit of the input changes half of the output's. */
export function mix(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** Maps a hash to one of `count` places, in the order of the hashes taken as unsigned numbers. */
export function placeOf(hash: number, count: number): number {
  return Math.floor(((hash >>> 0) * count) / TWO_TO_32);
}
