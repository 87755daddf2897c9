import { describe, expect, test } from "bun:test";
import {
  encodeHint,
  evenAfter,
  type Hint,
  HINT_BYTES,
  HOLDER_AT,
  nextLayout,
  parseHint,
  promisedBytes,
  UNKNOWN_BOOT,
  WAITER_MARK_AT,
} from "../../src/format/hint.ts";
import { everyFlip, hex } from "./frames.ts";

const HINT: Hint = {
  counter: 2 ** 52 + 1,
  logId: "0123456789abcdef",
  generation: 2 ** 33 + 1,
  writtenBytes: 5_000_000_000,
  syncedBytes: 4_999_999_999,
  bootId: "00112233445566778899aabbccddeeff",
  suspect: true,
  tornTailsCut: 3,
  layout: 0xfffffffe,
  tailDigest: 0xdeadbeef,
};

// Calculated by another program, written from docs/format.md.
const BYTES =
  hex(`4b56534c4f434b31 0100000000001000 0123456789abcdef 0100000002000000 00f2052a01000000 fff1052a01000000
  00112233445566778899aabbccddeeff 01000000 03000000 feffffff efbeadde fa460364`);

describe("the hint", () => {
  test("has these bytes, and gives its fields back", () => {
    expect(encodeHint(HINT)).toEqual(BYTES);
    expect(parseHint(BYTES)).toEqual(HINT);
    expect(parseHint(Buffer.concat([BYTES, Buffer.alloc(56, 0xff)]))).toEqual(HINT);
    expect(parseHint(encodeHint({ ...HINT, suspect: false }))?.suspect).toBe(false);
  });

  test("is none after any change of one bit, and none when it is cut", () => {
    for (const flipped of everyFlip(BYTES)) expect(parseHint(flipped)).toBeUndefined();
    for (let length = 0; length < BYTES.length; length += 1)
      expect(parseHint(BYTES.subarray(0, length))).toBeUndefined();
    expect(parseHint(Buffer.alloc(HINT_BYTES))).toBeUndefined();
  });

  test("shares its file with the waiter's mark and the holder, which stand behind it", () => {
    expect([HINT_BYTES, WAITER_MARK_AT, HOLDER_AT]).toEqual([84, 128, 132]);
  });

  test("promises what was written in the same boot, and what was synced in any other", () => {
    expect(promisedBytes(HINT, HINT.bootId)).toBe(HINT.writtenBytes);
    expect(promisedBytes(HINT, "ff".repeat(16))).toBe(HINT.syncedBytes);
    expect(promisedBytes({ ...HINT, bootId: UNKNOWN_BOOT }, UNKNOWN_BOOT)).toBe(HINT.syncedBytes);
  });

  test("has an even counter after every write, always another one", () => {
    expect([4, 5, 6].map(evenAfter)).toEqual([6, 6, 8]);
  });

  test("has a layout number that starts over at its end", () => {
    expect([0, 0xfffffffe, 0xffffffff].map(nextLayout)).toEqual([1, 0xffffffff, 0]);
  });
});
