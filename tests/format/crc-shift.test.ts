import { expect, test } from "bun:test";
import { crc32 } from "../../src/format/bytes.ts";
import { restartedCrc32, wordBetween } from "../../src/format/crc-shift.ts";

const STARTS = [0, 1, 0x80000000, 0xdeadbeef, 0xffffffff];

test("a checksum from another start is that of the same bytes, whatever they are", () => {
  const content = Buffer.from(Array.from({ length: 1100 }, (_, index) => (index * 167 + 13) & 0xff));
  for (const bytes of [0, 1, 2, 3, 4, 7, 8, 13, 126, 1000, 1023, 1024]) {
    for (const from of STARTS) {
      const sum = crc32(content, 5, 5 + bytes, from);
      for (const to of STARTS)
        expect(restartedCrc32(sum, { bytes, from, to })).toBe(crc32(content, 5, 5 + bytes, to));
    }
  }
});

test("a checksum that was wrong stays wrong", () => {
  const content = Buffer.from("some bytes of a record");
  const bytes = content.length;
  for (let bit = 0; bit < 32; bit += 1) {
    const wrong = (crc32(content, 0, bytes, 1) ^ (1 << bit)) >>> 0;
    expect(restartedCrc32(wrong, { bytes, from: 1, to: 2 })).not.toBe(crc32(content, 0, bytes, 2));
  }
});

test("long ones are to be summed up anew", () => {
  expect(restartedCrc32(1, { bytes: 1025, from: 1, to: 2 })).toBeUndefined();
});

test("four bytes lead from any checksum to any other", () => {
  const word = Buffer.alloc(4);
  for (const from of STARTS) {
    for (const to of STARTS) {
      word.writeInt32LE(wordBetween(from, to));
      expect(crc32(word, 0, 4, from)).toBe(to);
    }
  }
});
