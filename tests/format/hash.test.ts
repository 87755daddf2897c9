import { describe, expect, test } from "bun:test";
import { crc32 } from "node:zlib";
import { hashKey, hashSeedOf, mix, placeOf } from "../../src/format/hash.ts";
import { encodeKey } from "../../src/format/key.ts";
import { slowFinish, slowHashFrom } from "./index-from-document.ts";
import { Random } from "./random.ts";

const FNV_OFFSET = 0x811c9dc5;

describe("the finalizer", () => {
  test.each([
    // As SMHasher's fmix32 gives them.
    [0, 0],
    [1, 0x514e28b7],
    [0xffffffff, 0x81f16f39],
  ])("makes of %d what MurmurHash3's does", (hash, mixed) => {
    expect(mix(hash) >>> 0).toBe(mixed);
    expect(slowFinish(hash)).toBe(mixed);
  });

  test("takes a number and the same one with a sign for the same", () => {
    const random = new Random(1);
    for (let round = 0; round < 1000; round += 1) {
      const hash = random.below(2 ** 32);
      expect(mix(hash | 0)).toBe(mix(hash));
    }
  });
});

describe("the hash of a key", () => {
  test.each([
    // FNV-1a as its authors' table has it.
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
  ])("is that of FNV-1a, finished, for %p", (key, fnv) => {
    expect(hashKey(encodeKey(key), FNV_OFFSET)).toBe(mix(fnv));
  });

  test("is what the document says, for any bytes and any seed", () => {
    const random = new Random(2);
    for (let round = 0; round < 2000; round += 1) {
      const [bytes, seed] = [random.bytes(random.below(40)), random.below(2 ** 32)];
      expect(hashKey(encodeKey(bytes), seed) >>> 0).toBe(slowHashFrom(bytes, seed));
    }
    const long = random.bytes(65_535);
    expect(hashKey(encodeKey(long), 7) >>> 0).toBe(slowHashFrom(long, 7));
  });

  test("is a signed number of 32 bits, spread over all of them", () => {
    const seed = hashSeedOf("000102030405060708090a0b0c0d0e0f");
    const buckets = new Uint32Array(64);
    const [keys, perBucket] = [64_000, 1000];
    for (let number = 0; number < keys; number += 1) {
      const hash = hashKey(encodeKey(`key ${number}`), seed);
      expect(hash).toBe(hash | 0);
      const place = placeOf(hash, buckets.length);
      buckets[place] = (buckets[place] ?? 0) + 1;
    }
    // Six standard deviations of what chance would do.
    for (const count of buckets) expect(Math.abs(count - perBucket)).toBeLessThan(6 * Math.sqrt(perBucket));
  });
});

describe("the seed of a store", () => {
  test("is the checksum of its id, from FNV's offset on", () => {
    const id = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0";
    expect(hashSeedOf(id)).toBe(crc32(Buffer.from(id, "hex"), FNV_OFFSET));
  });

  test("makes keys that collide in one store differ in another", () => {
    const [one, other] = [hashSeedOf("00".repeat(16)), hashSeedOf("01".repeat(16))];
    const [a, b] = collidingKeys(one);
    expect(hashKey(a, one)).toBe(hashKey(b, one));
    expect(hashKey(a, other)).not.toBe(hashKey(b, other));
  });
});

describe("the place of a hash", () => {
  test("is in the order of the hashes, from the first to the last", () => {
    const random = new Random(3);
    for (const count of [1, 2, 3, 7, 511, 65_536, 14_300_000, 2 ** 31]) {
      expect([placeOf(0, count), placeOf(0xffffffff, count)]).toEqual([0, count - 1]);
      for (let round = 0; round < 200; round += 1) {
        const [low = 0, high = 0] = [random.below(2 ** 32), random.below(2 ** 32)].toSorted((a, b) => a - b);
        expect(placeOf(low, count)).toBeLessThanOrEqual(placeOf(high, count));
        expect(placeOf(low, count)).toBe(Number((BigInt(low) * BigInt(count)) >> 32n));
      }
    }
  });
});

/** Two keys with one hash: of 200,000 random ones four or five pairs collide. */
function collidingKeys(seed: number): readonly [ReturnType<typeof encodeKey>, ReturnType<typeof encodeKey>] {
  const seen = new Map<number, number>();
  for (let number = 0; number < 2_000_000; number += 1) {
    const hash = hashKey(encodeKey(`${number}`), seed);
    const other = seen.get(hash);
    if (other !== undefined) return [encodeKey(`${other}`), encodeKey(`${number}`)];
    seen.set(hash, number);
  }
  throw new Error("No two keys collide");
}
