import { expect, test } from "bun:test";
import { LogBytes } from "../../src/engine/log-bytes.ts";
import { RecordReader } from "../../src/engine/record-reader.ts";
import { codecFor } from "../../src/format/log-header.ts";
import { MAX_FRAME_BYTES } from "../../src/format/limits.ts";
import { readableBytes } from "../support/memory-file.ts";

const TIB = 2 ** 40;

test("a record that claims to be as long as its log makes nobody read all of that", () => {
  // Pages that nobody writes to take no memory.
  const zeros = Buffer.from(new ArrayBuffer(MAX_FRAME_BYTES));
  let longest = 0;
  const file = {
    ...readableBytes(zeros, { map: false }),
    size: () => TIB,
    read: (_position: number, length: number) => {
      longest = Math.max(longest, length);
      return zeros.subarray(0, length);
    },
  };
  // As the length of a record's value, in its first bytes: past the end of what is read, however much that is.
  zeros.writeUInt32LE(0xffff_ffff, 8);
  const records = new RecordReader(
    new LogBytes(file, 64, { map: false }),
    codecFor("binary", "00".repeat(8)),
  );
  expect(records.read(4096, 0)).toBeUndefined();
  expect(longest).toBe(MAX_FRAME_BYTES);
});

test("a length that the file does not have is not read, whoever claims it", () => {
  const bytes = Buffer.alloc(8192);
  let longest = 0;
  const file = {
    ...readableBytes(bytes, { map: false }),
    read: (position: number, length: number) => {
      longest = Math.max(longest, length);
      return bytes.subarray(position, position + length);
    },
  };
  const records = new RecordReader(
    new LogBytes(file, 64, { map: false }),
    codecFor("binary", "00".repeat(8)),
  );
  expect(records.read(4096, MAX_FRAME_BYTES)).toBeUndefined();
  expect(longest).toBe(0);
});
