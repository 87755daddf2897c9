import { describe, expect, test } from "bun:test";
import { IndexBuilder } from "../../src/engine/index-builder.ts";
import { IndexReader } from "../../src/engine/index-reader.ts";
import type { Log } from "../../src/engine/log.ts";
import { runToEnd } from "../../src/engine/slices.ts";
import { mix } from "../../src/format/hash.ts";
import { type IndexSummary, PAGE_BYTES, tagOf } from "../../src/format/index-file.ts";
import { KvsError } from "../../src/index.ts";
import { systemError } from "../support/hooked-disk.ts";
import { MemoryFile, readableBytes } from "../support/memory-file.ts";

const LOG_ID = "0011223344556677";
const LOG_BYTES = 2 ** 39;

const SUMMARY: Omit<IndexSummary, "entries"> = {
  logId: LOG_ID,
  logBytes: LOG_BYTES,
  records: 1,
  recordBytes: 1,
  liveBytes: 1,
  expiringBytes: 0,
  shadowedBytes: 0,
  firstExpiry: 0,
  lastExpiry: 0,
  content: { digest: 0, inode: 0, modified: 0 },
};

/** The entry's position and length tell its number. */
const positionOf = (number: number): number => number * 1001 + 64;
const lengthOf = (number: number): number => 12 + (number % 60_000);

function written(hashes: Uint32Array, bloomBitsPerKey: number): Buffer {
  const builder = new IndexBuilder();
  hashes.forEach((hash, number) => builder.add(positionOf(number), lengthOf(number), hash));
  const file = new MemoryFile();
  runToEnd(builder.write(file, { ...SUMMARY, entries: hashes.length }, bloomBitsPerKey));
  return file.bytes();
}

/** Opens an index as if a log of the right size and id stood beside it. */
function opened(bytes: Buffer, map: boolean): IndexReader {
  const log = { header: { logId: LOG_ID }, size: () => LOG_BYTES, codec: { hasChecksums: true } };
  const reader = IndexReader.open(readableBytes(bytes, { map }), log as unknown as Log, { map });
  if (reader === undefined) throw new Error("What was written cannot be opened");
  return reader;
}

/** Numbers of the entries that a lookup comes to, in the order it does. */
function candidates(reader: IndexReader, hash: number): number[] {
  const found: number[] = [];
  for (let slot = reader.probe(hash, -1); slot >= 0; slot = reader.probe(hash, slot)) {
    const number = (reader.positionOf(slot) - 64) / 1001;
    expect(reader.lengthOf(slot)).toBe(lengthOf(number));
    found.push(number);
  }
  return found;
}

function expectOrder(reader: IndexReader, count: number): void {
  expect([reader.entries, reader.length]).toEqual([count, count]);
  const places = { positions: [], lengths: [] } as { positions: number[]; lengths: number[] };
  reader.locate({ first: 0, count, step: 1 }, places);
  for (let place = 0; place < count; place += 1) {
    const [position, length] = [places.positions[place], places.lengths[place]];
    if (position === positionOf(place) && length === lengthOf(place)) continue;
    throw new Error(`Place ${place} has position ${position}`);
  }
}

describe("an index of several buckets", () => {
  // A dozen buckets, the last of them not full.
  const COUNT = 2 * 256 * 1024 + 1000;
  const hashes = Uint32Array.from({ length: COUNT }, (_, number) => mix(number));

  for (const [map, bits] of [
    [true, 10],
    [false, 0],
  ] as const) {
    test(`has every entry where lookups and scans find it, mapped ${map}, ${bits} bits a key`, () => {
      const reader = opened(written(hashes, bits), map);
      reader.verify();
      let missed = 0;
      let passed = 0;
      hashes.forEach((hash, number) => {
        const found = candidates(reader, hash);
        if (!found.includes(number)) missed += 1;
        passed += found.length - 1;
      });
      expect(missed).toBe(0);
      // Of the slots that are passed, up to an empty one, few have the same tag: other records are seldom read.
      expect(passed / COUNT).toBeLessThan(0.04);
      expectOrder(reader, COUNT);
    });
  }

  test("says no to most hashes that are not in it", () => {
    const reader = opened(written(hashes, 10), true);
    let looked = 0;
    for (let number = COUNT; number < COUNT + 50_000; number += 1)
      if (candidates(reader, mix(number)).length > 0) looked += 1;
    expect(looked / 50_000).toBeLessThan(0.005);
  });

  test("gives others their turn while it is written", () => {
    const builder = new IndexBuilder();
    hashes.forEach((hash, number) => builder.add(positionOf(number), lengthOf(number), hash));
    const steps = [...builder.write(new MemoryFile(), { ...SUMMARY, entries: COUNT }, 10)].length;
    expect(steps).toBeGreaterThanOrEqual(6);
  });
});

test("an index whose hash table is sorted in two parts has every entry", () => {
  const count = 3_000_000;
  const hashes = Uint32Array.from({ length: count }, (_, number) => mix(number));
  const reader = opened(written(hashes, 0), true);
  reader.verify();
  expect(reader.length).toBe(count);
  const missed = hashes.filter(
    (hash, number) => number % 100 === 0 && !candidates(reader, hash).includes(number),
  );
  expect(missed).toEqual(new Uint32Array());
});

test("an index is whole also where its last page fills the last chunk that is written", () => {
  const pagesOf = (count: number): number =>
    written(
      Uint32Array.from({ length: count }, (_, number) => mix(number)),
      10,
    ).length / PAGE_BYTES;
  // A page more at a time, or two: one of these numbers of entries fills 64, or a multiple of that.
  let count = 8000;
  while (pagesOf(count) % 64 !== 0) count += 100;
  const hashes = Uint32Array.from({ length: count }, (_, number) => mix(number));
  const reader = opened(written(hashes, 10), false);
  reader.verify();
  expectOrder(reader, count);
});

describe("an index of hostile keys", () => {
  for (const hash of [0, 0x7fffffff, 0xffffffff]) {
    test(`that all have the hash ${hash} finds each of them`, () => {
      const count = 3000;
      for (const bits of [0, 10]) {
        const reader = opened(written(new Uint32Array(count).fill(hash), bits), true);
        reader.verify();
        expect(candidates(reader, hash)).toEqual(Array.from({ length: count }, (_, number) => number));
        expect(candidates(reader, (hash ^ 0x80000000) >>> 0)).toEqual([]);
        expectOrder(reader, count);
      }
    });
  }

  test("that have one tag, or one home, finds the right ones", () => {
    const sameTag: number[] = [];
    for (let hash = 0; sameTag.length < 2000; hash += 4093) if (tagOf(hash) === 7) sameTag.push(hash);
    const sameHome = Array.from({ length: 2000 }, (_, number) => 0x40000000 + number);
    for (const hashes of [sameTag, sameHome]) {
      const reader = opened(written(Uint32Array.from(hashes), 10), true);
      const missed = hashes.filter((hash, number) => !candidates(reader, hash).includes(number));
      expect(missed.length).toBe(0);
    }
  });

  test("of which more crowd one bucket than a double can number finds each of them", () => {
    const count = 2 ** 21 + 5;
    const hashes = new Uint32Array(count).fill(0x12345678);
    hashes[count - 1] = 0x12345677;
    hashes[0] = 0x12345679;
    const reader = opened(written(hashes, 0), true);
    expect(candidates(reader, 0x12345678).filter((number) => number > 0 && number < count - 1).length).toBe(
      count - 2,
    );
    expect(candidates(reader, 0x12345677)).toContain(count - 1);
    expect(candidates(reader, 0x12345679)).toContain(0);
  });
});

describe("an index of nothing", () => {
  test("is whole, and finds nothing", () => {
    for (const bits of [0, 10]) {
      const reader = opened(written(new Uint32Array(), bits), false);
      reader.verify();
      expect(candidates(reader, 0)).toEqual([]);
      expect(reader.length).toBe(0);
    }
  });
});

describe("an index that cannot be written", () => {
  test("fails with what the disk said", () => {
    class FullFile extends MemoryFile {
      override append(): void {
        throw systemError("ENOSPC", this.path);
      }
    }
    const builder = new IndexBuilder();
    builder.add(64, 12, 1);
    const steps = builder.write(new FullFile(), { ...SUMMARY, entries: 1 }, 10);
    expect(() => void runToEnd(steps)).toThrow(KvsError);
  });

  test("since its log is too long is refused", () => {
    const summary = { ...SUMMARY, entries: 0, logBytes: 2 ** 40 + 1 };
    const steps = new IndexBuilder().write(new MemoryFile(), summary, 10);
    expect(() => void runToEnd(steps)).toThrow("1 TiB");
  });
});
