import { describe, expect, test } from "bun:test";
import { IndexBuilder } from "../../src/engine/index-builder.ts";
import { runToEnd } from "../../src/engine/slices.ts";
import { hashKey, hashSeedOf } from "../../src/format/hash.ts";
import {
  addToBlock,
  BLOCK_WORDS,
  blockMayHold,
  highWordOf,
  type IndexSummary,
  isSoundPage,
  lengthOf,
  PAGE_BYTES,
  pageSeedOf,
  parseIndexHeader,
  positionOf,
  tagOf,
  UNKNOWN_LENGTH,
} from "../../src/format/index-file.ts";
import { encodeKey } from "../../src/format/key.ts";
import { MemoryFile } from "../support/memory-file.ts";
import { everyFlip } from "./frames.ts";
import { type DocumentedEntry, documentedIndex } from "./index-from-document.ts";
import { Random } from "./random.ts";

const STORE_ID = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
const LOG_ID = "fedcba9876543210";

const SUMMARY: Omit<IndexSummary, "entries"> = {
  logId: LOG_ID,
  logBytes: 2 ** 40 - 1,
  records: 70_001,
  recordBytes: 2 ** 39 + 3,
  liveBytes: 2 ** 38 + 5,
  expiringBytes: 7,
  shadowedBytes: 11,
  firstExpiry: 1_767_225_660_000,
  lastExpiry: 2 ** 53 - 1,
  content: { digest: 0xfedcba98, inode: 2 ** 52 + 1, modified: 1_767_225_600_123 },
};

/** What the engine writes for these entries. */
function writtenIndex(entries: readonly DocumentedEntry[], bloomBitsPerKey: number): Buffer {
  const builder = new IndexBuilder();
  const seed = hashSeedOf(STORE_ID);
  for (const { key, position, length } of entries)
    builder.add(position, length, hashKey(encodeKey(key), seed));
  const file = new MemoryFile();
  runToEnd(builder.write(file, { ...SUMMARY, entries: entries.length }, bloomBitsPerKey));
  return file.bytes();
}

/** What the document says of them. */
function documented(entries: readonly DocumentedEntry[], bitsPerKey: number): Buffer {
  const { content, ...summary } = SUMMARY;
  const numbers = [
    summary.logBytes,
    summary.records,
    entries.length,
    summary.recordBytes,
    summary.liveBytes,
    summary.expiringBytes,
    summary.shadowedBytes,
    summary.firstExpiry,
    summary.lastExpiry,
    content.digest,
    content.inode,
    content.modified,
  ];
  return documentedIndex({ storeId: STORE_ID, logId: LOG_ID, numbers, bitsPerKey, entries });
}

/** Distinct keys in their order, of records of every size, anywhere in 1 TiB. */
function randomEntries(random: Random, count: number): DocumentedEntry[] {
  const keys = Array.from({ length: count }, (_, number) =>
    Buffer.concat([random.bytes(random.below(5)), Buffer.from(`${number}`)]),
  );
  return keys
    .toSorted((a, b) => Buffer.compare(a, b))
    .map((key) => ({
      key,
      position: random.below(2 ** 32) * random.oneOf([1, 2, 255]) + random.below(200),
      length: random.oneOf([12, 13, 4096, 65_534, 65_535, 65_536, 2 ** 30]),
    }));
}

describe("an index", () => {
  for (const bits of [0, 1, 10, 20, 64]) {
    test(`with ${bits} bits a key is written as the document says, byte for byte`, () => {
      const random = new Random(bits + 1);
      for (const count of [0, 1, 2, 5, 357, 358, 511, 512, 1200]) {
        const entries = randomEntries(random, count);
        expect(writtenIndex(entries, bits).equals(documented(entries, bits))).toBe(true);
      }
    });
  }

  test("of entries that all want the last home runs over the end, as the document says", () => {
    const seed = hashSeedOf(STORE_ID);
    const late: DocumentedEntry[] = [];
    for (let number = 0; late.length < 40; number += 1) {
      const key = Buffer.from(`${number}`.padStart(9, "0"));
      if ((hashKey(encodeKey(key), seed) >>> 0) / 2 ** 32 > 57 / 58)
        late.push({ key, position: number, length: 12 });
    }
    const bytes = writtenIndex(late, 10);
    expect(bytes.equals(documented(late, 10))).toBe(true);
    const header = parseIndexHeader(bytes.subarray(0, PAGE_BYTES), LOG_ID);
    expect(header?.layout).toMatchObject({ homes: 58, slots: 97 });
  });

  test("says in its header what it was given", () => {
    const bytes = writtenIndex(randomEntries(new Random(5), 600), 10);
    const header = parseIndexHeader(bytes.subarray(0, PAGE_BYTES), LOG_ID);
    expect(header?.summary).toEqual({ ...SUMMARY, entries: 600 });
    expect(header?.layout).toMatchObject({ bloomBlocks: 12, homes: 858, pages: bytes.length / PAGE_BYTES });
  });
});

describe("a header", () => {
  const page = writtenIndex(randomEntries(new Random(6), 3), 10).subarray(0, PAGE_BYTES);

  function changed(offset: number, byte: number): Buffer {
    const copy = Buffer.from(page);
    copy[offset] = byte;
    return copy;
  }

  test("with another magic, another version or of another log is none", () => {
    expect(parseIndexHeader(page, LOG_ID)).toBeDefined();
    for (let offset = 0; offset < 8; offset += 1)
      expect(parseIndexHeader(changed(offset, 0x7f), LOG_ID)).toBeUndefined();
    for (const version of [0, 2]) expect(parseIndexHeader(changed(8, version), LOG_ID)).toBeUndefined();
    expect(parseIndexHeader(changed(11, 1), LOG_ID)).toBeUndefined();
    expect(parseIndexHeader(page, LOG_ID.replace("f", "e"))).toBeUndefined();
  });
});

describe("a page", () => {
  const index = writtenIndex(randomEntries(new Random(7), 600), 10);
  const seed = pageSeedOf(LOG_ID);
  const pages = index.length / PAGE_BYTES;

  test("is sound where it was written, and nowhere else", () => {
    for (let at = 0; at < pages; at += 1) {
      for (let number = 0; number < pages; number += 1)
        expect(isSoundPage(index, at * PAGE_BYTES, number, seed)).toBe(at === number);
      expect(isSoundPage(index, at * PAGE_BYTES, at, pageSeedOf("fedcba9876543211"))).toBe(false);
    }
    expect(isSoundPage(Buffer.alloc(PAGE_BYTES), 0, 0, seed)).toBe(false);
  });

  test("is not sound with any one bit changed, those that are not used included", () => {
    const page = index.subarray(PAGE_BYTES, 2 * PAGE_BYTES);
    let sound = 0;
    for (const flipped of everyFlip(page)) if (isSoundPage(flipped, 0, 1, seed)) sound += 1;
    expect(sound).toBe(0);
  });
});

describe("an entry", () => {
  test("gives back the position it was made of, and the length where it is short", () => {
    for (const position of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40 - 1]) {
      for (const length of [1, 12, 255, 256, 65_534, 65_535, 65_536, 2 ** 30]) {
        for (const hash of [0, 1, 0x80000000, 0xffffffff]) {
          const high = highWordOf(position, length, hash);
          expect(positionOf(position % 2 ** 32, high)).toBe(position);
          expect(lengthOf(high)).toBe(Math.min(length, UNKNOWN_LENGTH));
          expect((high >>> 8) & 0xff).toBe(tagOf(hash));
        }
      }
    }
  });
});

describe("a block of the bloom filter", () => {
  test("holds all that was added, and seldom anything else", () => {
    const random = new Random(8);
    let wrong = 0;
    const [blocks, keys, strangers] = [100, 51, 100];
    for (let block = 0; block < blocks; block += 1) {
      const words = new Int32Array(3 * BLOCK_WORDS);
      const added = Array.from({ length: keys }, () => random.below(2 ** 32));
      for (const hash of added) addToBlock(words, BLOCK_WORDS, hash);
      for (const hash of added) expect(blockMayHold(words, BLOCK_WORDS, hash)).toBe(true);
      for (let left = strangers; left > 0; left -= 1)
        if (blockMayHold(words, BLOCK_WORDS, random.below(2 ** 32))) wrong += 1;
      expect(words.subarray(0, BLOCK_WORDS).every((word) => word === 0)).toBe(true);
      expect(words.subarray(2 * BLOCK_WORDS).every((word) => word === 0)).toBe(true);
    }
    expect(wrong / (blocks * strangers)).toBeLessThan(0.02);
  });

  test("sets six bits a key, and none of them twice", () => {
    const random = new Random(9);
    for (let round = 0; round < 500; round += 1) {
      const words = new Int32Array(BLOCK_WORDS);
      addToBlock(words, 0, random.below(2 ** 32));
      const bits = words.reduce((sum, word) => sum + (word >>> 0).toString(2).replaceAll("0", "").length, 0);
      expect(bits).toBe(6);
    }
  });
});
