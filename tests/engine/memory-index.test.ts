import { describe, expect, test } from "bun:test";
import { TextKeyReader } from "../../src/engine/key-reader.ts";
import type { KeyOrder } from "../../src/engine/log-index.ts";
import { MemoryIndex } from "../../src/engine/memory-index.ts";
import { hashKey } from "../../src/format/hash.ts";
import { encodeKey, type EncodedKey } from "../../src/format/key.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";

const SEED: number = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${SEED}`);

const HASH_SEED = 0x1234567;
const RECORD_BYTES = 10;

/** An index beside the array of the keys that were noted. Record n stands at n × `distance`. */
class Notes {
  readonly keys: EncodedKey[] = [];
  readonly index: MemoryIndex;
  readonly #distance: number;
  /** How often a key was read. */
  reads = 0;

  constructor({ distance = RECORD_BYTES } = {}) {
    this.#distance = distance;
    const keys = new TextKeyReader(HASH_SEED, (position) => {
      this.reads += 1;
      return this.keyAt(position);
    });
    this.index = new MemoryIndex(keys);
  }

  add(key: EncodedKey): void {
    this.index.add(this.keys.length * this.#distance, RECORD_BYTES + key.length);
    this.keys.push(key);
  }

  cut(records: number): void {
    this.keys.length = Math.min(this.keys.length, records);
    this.index.cut(records * this.#distance);
  }

  /** The record that a lookup comes to, as an engine makes one: -1 for none. */
  find(key: EncodedKey): number {
    const hash = hashKey(key, HASH_SEED);
    const { index } = this;
    for (let handle = index.probe(hash, -1); handle >= 0; handle = index.probe(hash, handle)) {
      const position = index.positionOf(handle);
      if (this.keyAt(position) !== key) continue;
      expect(index.lengthOf(handle)).toBe(RECORD_BYTES + key.length);
      return position / this.#distance;
    }
    return -1;
  }

  checkFind(key: EncodedKey): void {
    expect([key, this.find(key)]).toEqual([key, this.keys.lastIndexOf(key)]);
  }

  checkOrder(): void {
    const newest = new Map(this.keys.map((key, number) => [key, number]));
    const wanted = [...newest].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, number]) => number);
    expect([...this.index.sortedEntries()]).toEqual(wanted);
    const order = this.index.order();
    expect(positionsOf(order)).toEqual(wanted.map((number) => number * this.#distance));
    expect(order.length).toBe(wanted.length);
  }

  checkCounts(): void {
    expect(this.index.entries).toBe(new Set(this.keys).size);
    expect(this.index.records).toBe(this.keys.length);
  }

  private keyAt(position: number): EncodedKey {
    const key = this.keys[position / this.#distance];
    if (key === undefined) throw new Error(`No record stands at ${position}`);
    return key;
  }
}

/** Keys of every kind, few enough that many come twice. */
function randomKey(random: SeededRandom, bound: number): EncodedKey {
  const number = random.below(bound);
  if (number % 7 === 0) return encodeKey(Buffer.of(number & 0xff, number >> 8).subarray(0, number % 3));
  return encodeKey(number % 2 === 0 ? `k${number}` : `a rather long prefix/${number}`);
}

describe("an index in memory", () => {
  test("answers as a Map does, whatever is added, looked up, listed and cut off in between", () => {
    for (let round = 0; round < 60; round += 1) {
      const random = seededRandom(SEED + round);
      // Records of a log that has several times 4 GiB, too.
      const notes = new Notes({ distance: random.pick([RECORD_BYTES, 2 ** 20 + 1, 2 ** 33]) });
      const bound = random.pick([1, 20, 3000]);
      for (let step = 0; step < 60; step += 1) {
        const kind = random.below(12);
        if (kind < 5)
          for (let left = random.below(200); left > 0; left -= 1) notes.add(randomKey(random, bound));
        else if (kind < 9) for (let left = 3; left > 0; left -= 1) notes.checkFind(randomKey(random, bound));
        else if (kind === 9) notes.checkOrder();
        else if (kind === 10) notes.cut(random.below(notes.keys.length + 1));
        else if (random.below(4) === 0) notes.checkCounts();
      }
      notes.checkOrder();
      notes.checkCounts();
      for (let left = 50; left > 0; left -= 1) notes.checkFind(randomKey(random, bound));
    }
  });

  test("looks few records through, and hashes them from the fifth lookup on", () => {
    const notes = new Notes();
    for (let number = 0; number < 4096; number += 1) notes.add(encodeKey(`k${number % 3000}`));
    for (let lookup = 0; lookup < 4; lookup += 1) notes.checkFind(encodeKey(`k${lookup * 900}`));
    expect(notes.reads).toBe(0);
    for (const key of ["k0", "k1095", "k1096", "k2999", "none"]) notes.checkFind(encodeKey(key));
    expect(notes.reads).toBeGreaterThanOrEqual(4096);
    notes.add(encodeKey("k5"));
    notes.checkFind(encodeKey("k5"));
    notes.checkCounts();
  });

  test("hashes many records at once", () => {
    const notes = new Notes();
    for (let number = 0; number < 4097; number += 1) notes.add(encodeKey(`k${number}`));
    notes.checkFind(encodeKey("k4096"));
    expect(notes.reads).toBeGreaterThanOrEqual(4097);
    notes.checkFind(encodeKey("k0"));
  });

  test("grows past every size it starts with", () => {
    const notes = new Notes();
    for (let number = 0; number < 70_000; number += 1) notes.add(encodeKey(`${number * 7919}`));
    for (const number of [0, 1023, 1024, 4095, 4096, 65_535, 69_999])
      expect(notes.find(encodeKey(`${number * 7919}`))).toBe(number);
    expect(notes.index.entries).toBe(70_000);
    expect(notes.index.sortedEntries().length).toBe(70_000);
  });

  test("keeps an order as it was asked for while records are added", () => {
    const notes = new Notes();
    const random = seededRandom(SEED);
    const orders: { readonly order: ReturnType<MemoryIndex["order"]>; readonly wanted: readonly number[] }[] =
      [];
    for (let round = 0; round < 20; round += 1) {
      for (let left = 300; left > 0; left -= 1) notes.add(randomKey(random, 900));
      const order = notes.index.order();
      orders.push({ order, wanted: positionsOf(order) });
      notes.checkFind(randomKey(random, 900));
    }
    for (const { order, wanted } of orders) expect(positionsOf(order)).toEqual([...wanted]);
  });

  test("has no order left when every record was cut off", () => {
    const notes = new Notes();
    for (const key of ["b", "a", "b"]) notes.add(encodeKey(key));
    notes.checkOrder();
    notes.cut(0);
    notes.checkOrder();
    notes.checkCounts();
    expect(notes.find(encodeKey("a"))).toBe(-1);
    notes.add(encodeKey("c"));
    notes.checkOrder();
  });

  test("tells keys apart that have one hash", () => {
    const [one, other] = collidingKeys();
    for (const warmUp of [0, 5]) {
      const notes = new Notes();
      notes.add(one);
      for (let left = warmUp; left > 0; left -= 1) notes.find(encodeKey("none"));
      notes.checkFind(other);
      notes.add(other);
      for (const key of [one, other, one]) {
        notes.checkFind(one);
        notes.checkFind(other);
        notes.add(key);
      }
      notes.checkCounts();
      notes.checkOrder();
    }
  });
});

/** Where all records are, in the order of their keys; backwards it is the same order. */
function positionsOf(order: KeyOrder): number[] {
  const forwards = { positions: [], lengths: [] };
  const backwards = { positions: [], lengths: [] };
  order.locate({ first: 0, count: order.length, step: 1 }, forwards);
  order.locate({ first: order.length - 1, count: order.length, step: -1 }, backwards);
  expect(backwards.positions.toReversed()).toEqual(forwards.positions);
  expect(backwards.lengths.toReversed()).toEqual(forwards.lengths);
  return forwards.positions;
}

/** Two keys with one hash. */
function collidingKeys(): readonly [EncodedKey, EncodedKey] {
  const seen = new Map<number, EncodedKey>();
  for (let number = 0; ; number += 1) {
    const key = encodeKey(`${number}`);
    const hash = hashKey(key, HASH_SEED);
    const other = seen.get(hash);
    if (other !== undefined) return [other, key];
    seen.set(hash, key);
  }
}
