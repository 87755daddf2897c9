import type { EncodedKey } from "../format/key.ts";
import { compareKeys } from "./keys.ts";

/** A key's number takes the low bits of a 64-bit word, and so many of its bytes the others. */
const NUMBER_BITS = 24;
const PREFIX_BYTES = 5;
const MAX_NUMBERED: number = 2 ** NUMBER_BITS;
const NUMBER_MASK: number = MAX_NUMBERED - 1;

/** Words of 32 bits stand with the low half first. */
const LOW = 0;
const HIGH = 1;

/**
 * The numbers of the keys in bytewise order of the keys, equal ones in the order
 * they stand in. Most of the work is done by sorting plain 64-bit words: five
 * bytes of each key, behind what all of them start with, and its number.
 */
export function sortedNumbers(keys: readonly EncodedKey[]): Uint32Array {
  if (keys.length > MAX_NUMBERED) return sortAll(keys);
  const shared = sharedPrefixOf(keys);
  const sortable = new BigUint64Array(keys.length);
  const halves = new Uint32Array(sortable.buffer);
  for (let number = 0; number < keys.length; number += 1) {
    const key = keys[number] ?? "";
    halves[number * 2 + HIGH] = wordAt(key, shared);
    halves[number * 2 + LOW] = (byteAt(key, shared + PREFIX_BYTES - 1) << NUMBER_BITS) | number;
  }
  sortable.sort();
  const numbers = new Uint32Array(keys.length);
  for (let place = 0; place < numbers.length; place += 1)
    numbers[place] = (halves[place * 2] ?? 0) & NUMBER_MASK;
  sortTies(keys, numbers, halves);
  return numbers;
}

/** Puts runs of keys with the same five bytes in order. */
function sortTies(keys: readonly EncodedKey[], numbers: Uint32Array, halves: Uint32Array): void {
  const prefixOf = (place: number): number =>
    (halves[place * 2 + HIGH] ?? 0) * 256 + ((halves[place * 2 + LOW] ?? 0) >>> NUMBER_BITS);
  let start = 0;
  for (let place = 1; place <= numbers.length; place += 1) {
    if (place < numbers.length && prefixOf(place) === prefixOf(start)) continue;
    if (place - start > 1) {
      numbers.subarray(start, place).sort((a, b) => compareKeys(keyOf(keys, a), keyOf(keys, b)) || a - b);
    }
    start = place;
  }
}

function sortAll(keys: readonly EncodedKey[]): Uint32Array {
  const numbers = Uint32Array.from(keys, (_, number) => number);
  return numbers.toSorted((a, b) => compareKeys(keyOf(keys, a), keyOf(keys, b)) || a - b);
}

/** How many bytes all keys have in common at their start. */
function sharedPrefixOf(keys: readonly EncodedKey[]): number {
  const first = keys[0] ?? "";
  let shared = first.length;
  for (const key of keys) {
    let length = Math.min(shared, key.length);
    if (!key.startsWith(first.slice(0, length))) {
      length = 0;
      while (key.charCodeAt(length) === first.charCodeAt(length)) length += 1;
    }
    shared = length;
    if (shared === 0) return 0;
  }
  return shared;
}

function wordAt(key: string, at: number): number {
  return (
    ((byteAt(key, at) << 24) |
      (byteAt(key, at + 1) << 16) |
      (byteAt(key, at + 2) << 8) |
      byteAt(key, at + 3)) >>>
    0
  );
}

/** A key that has ended sorts before one that has a zero byte there, which a tie tells. */
function byteAt(key: string, at: number): number {
  return at < key.length ? key.charCodeAt(at) : 0;
}

function keyOf(keys: readonly EncodedKey[], number: number): EncodedKey {
  return keys[number] ?? ("" as EncodedKey);
}
