import { describe, expect, test } from "bun:test";
import { ByteWriter } from "../../src/format/bytes.ts";
import type { LogCodec } from "../../src/format/codec.ts";
import { compareKeys, encodeKey } from "../../src/format/key.ts";
import { codecFor } from "../../src/format/log-header.ts";
import { LogTally, type Mutation, type StoredRecord } from "../../src/format/record.ts";
import { Random } from "./random.ts";

const LOGS = 1000;
const SEED = 20_260_101;

describe.each(["binary", "json"] as const)("random logs in the %s format", (format) => {
  test("come back record by record, whatever they hold", () => {
    const random = new Random(SEED);
    let records = 0;
    for (let run = 0; run < LOGS; run += 1) {
      const codec = codecFor(format, random.bytes(8).toString("hex"));
      // Positions on both sides of 4 GiB.
      const start = random.oneOf([64, 2 ** 32 - 50, 2 ** 40 + random.below(1000)]);
      const written = Array.from({ length: random.below(6) }, () => randomFrame(random));
      const log = encodeLog(codec, start, written);
      const read = decodeLog(codec, start, log);
      expect(read.map((frame) => frame.map(describeStored))).toEqual(
        written.map((frame) => frame.map(describeWritten)),
      );
      records += read.flat().length;
    }
    expect(records).toBeGreaterThan(3000);
  });

  test("show only whole frames wherever they are cut", () => {
    const random = new Random(SEED + 1);
    for (let run = 0; run < 20; run += 1) {
      const codec = codecFor(format, random.bytes(8).toString("hex"));
      const written = Array.from({ length: 3 }, () => randomFrame(random));
      const log = encodeLog(codec, 64, written);
      for (let length = 0; length < log.length; length += 1 + random.below(9)) {
        const read = wholeFrames(codec, 64, log.subarray(0, length));
        expect(read.map((frame) => frame.map(describeStored))).toEqual(
          written.slice(0, read.length).map((frame) => frame.map(describeWritten)),
        );
      }
    }
  });
});

test("random changes of a binary log are noticed", () => {
  const random = new Random(SEED + 2);
  for (let run = 0; run < 2000; run += 1) {
    const codec = codecFor("binary", random.bytes(8).toString("hex"));
    const log = encodeLog(codec, 64, [randomFrame(random), randomFrame(random)]);
    const changed = change(random, log);
    if (changed.equals(log)) continue;
    expect(() => decodeLog(codec, 64, changed)).toThrow("not a whole log");
  }
});

test("records compare as their keys do, also those of two formats", () => {
  const random = new Random(SEED + 3);
  for (let run = 0; run < 200; run += 1) {
    const records = (["binary", "json"] as const).flatMap((format) => {
      const codec = codecFor(format, random.bytes(8).toString("hex"));
      return decodeLog(codec, 64, encodeLog(codec, 64, [randomFrame(random), randomFrame(random)])).flat();
    });
    for (const one of records)
      for (const other of records)
        expect(Math.sign(one.compareKey(other))).toBe(compareKeys(one.key, other.key));
  }
});

/** Overwrites, cuts out, doubles or swaps some bytes. */
function change(random: Random, bytes: Buffer): Buffer {
  const [from = 0, to = 0] = [random.below(bytes.length), random.below(bytes.length + 1)].toSorted(
    (a, b) => a - b,
  );
  const [head, middle, tail] = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)];
  switch (random.below(4)) {
    case 0:
      return Buffer.concat([head, tail]);
    case 1:
      return Buffer.concat([head, middle, middle, tail]);
    case 2:
      return Buffer.concat([head, tail, middle]);
    default:
      return Buffer.concat([head, random.bytes(Math.min(middle.length, 16)), middle.subarray(16), tail]);
  }
}

function encodeLog(codec: LogCodec, start: number, frames: readonly (readonly Mutation[])[]): Buffer {
  const out = new ByteWriter(16);
  const tally = new LogTally();
  for (const frame of frames) {
    for (const record of codec.encodeFrame(out, start + out.length, frame)) tally.add(record.checksum);
  }
  const length = start + out.length;
  codec.encodeSeal(out, length, { records: tally.records, digest: tally.digest, length });
  return Buffer.from(out.view());
}

/** The records of a log that is whole and sealed. */
function decodeLog(codec: LogCodec, start: number, bytes: Buffer): StoredRecord[][] {
  const frames: StoredRecord[][] = [];
  const tally = new LogTally();
  let at = 0;
  for (;;) {
    const frame = codec.parseFrame(bytes, at, start + at);
    if (frame.status === "seal") {
      const agrees = frame.summary === undefined || tally.matches(frame.summary, start + at);
      if (agrees && at + frame.length === bytes.length) return frames;
      throw new Error("not a whole log: the seal");
    }
    if (frame.status !== "records") throw new Error(`not a whole log: ${frame.status}`);
    for (const record of frame.records) tally.add(record.checksum);
    frames.push(readRecords(codec, start, bytes, frame.records));
    at += frame.length;
  }
}

/** The frames before the first that is not whole. */
function wholeFrames(codec: LogCodec, start: number, bytes: Buffer): StoredRecord[][] {
  const frames: StoredRecord[][] = [];
  let at = 0;
  for (;;) {
    const frame = codec.parseFrame(bytes, at, start + at);
    if (frame.status !== "records") {
      expect(frame.status).toBe("incomplete");
      return frames;
    }
    frames.push(readRecords(codec, start, bytes, frame.records));
    at += frame.length;
  }
}

function readRecords(
  codec: LogCodec,
  start: number,
  bytes: Buffer,
  refs: readonly { readonly position: number; readonly length: number }[],
): StoredRecord[] {
  return refs.map(({ position, length }) => {
    const record = codec.decodeRecord(bytes.subarray(position - start, position - start + length), position);
    if (record === undefined) throw new Error("not a whole log: a record");
    return record;
  });
}

function randomFrame(random: Random): readonly Mutation[] {
  return Array.from({ length: 1 + random.below(random.oneOf([1, 1, 12])) }, () => randomMutation(random));
}

function randomMutation(random: Random): Mutation {
  const key = encodeKey(random.below(2) === 0 ? randomText(random) : random.bytes(random.below(40)));
  if (random.below(4) === 0) return { kind: "remove", key, value: "", expiresAt: 0 };
  const expiresAt = random.oneOf([
    0,
    1,
    1 + random.below(2 ** 32) * random.below(2 ** 20),
    Number.MAX_SAFE_INTEGER,
  ]);
  return { kind: "put", key, value: randomValue(random), expiresAt };
}

function randomValue(random: Random): string | Uint8Array {
  const text = randomText(random);
  return random.oneOf<string | Uint8Array>([text, Buffer.from(text), random.bytes(random.below(300))]);
}

const PIECES = [
  "",
  "k",
  "key/",
  "\0",
  "\n",
  "\r\n",
  '"',
  "\\",
  "\x7f",
  "é",
  "€",
  "\u2028",
  "\ufeff",
  "\ufffd",
  "\uffff",
  "😀",
  "__proto__",
  '{"Set":{}}',
];

function randomText(random: Random): string {
  return Array.from({ length: random.below(12) }, () => PIECES[random.below(PIECES.length)] ?? "").join("");
}

interface Description {
  readonly kind: string;
  readonly key: string;
  readonly value: string;
  readonly expiresAt: number;
}

function describeWritten({ kind, key, value, expiresAt }: Mutation): Description {
  return { kind, key, value: Buffer.from(value).toString("hex"), expiresAt };
}

function describeStored({ kind, key, value, expiresAt }: StoredRecord): Description {
  return { kind, key, value: value.toString("hex"), expiresAt };
}
