import { expect, test } from "bun:test";
import { binaryCodec } from "../../src/format/binary-codec.ts";
import type { RecordGroup } from "../../src/format/codec.ts";
import type { Mutation } from "../../src/format/record.ts";
import { ByteWriter } from "../../src/format/bytes.ts";
import { put, remove } from "./frames.ts";

const codec = binaryCodec("0123456789abcdef");
const POSITION = 5_000_000_000;

/** Records that stand one behind the other in a frame, and where each starts. */
function written(mutations: readonly Mutation[]): { bytes: Buffer; starts: number[]; ends: number[] } {
  const out = new ByteWriter(64);
  const records = codec.encodeFrame(out, POSITION, mutations);
  const starts = records.map(({ position }) => position - POSITION);
  return {
    bytes: Buffer.from(out.view()),
    starts,
    ends: records.map(({ length }, at) => (starts[at] ?? 0) + length),
  };
}

const MUTATIONS = [
  put("first", "a value"),
  put("second", "é", 4_102_444_800_000),
  remove("third"),
  put("", ""),
  put("last", Buffer.of(0, 0xff, 0x80)),
];
const { bytes, starts, ends } = written(MUTATIONS);

/** The records of `from`, in this order of their numbers. */
function grouped(from: Buffer, order: readonly number[] = starts.keys().toArray()): RecordGroup {
  const group = codec.newGroup?.();
  if (group === undefined) throw new Error("A binary log has groups");
  for (const number of order) {
    const start = starts[number] ?? 0;
    expect(group.add(from, start, (ends[number] ?? 0) - start, POSITION + start)).toBe(true);
  }
  return group;
}

test("what was added is what decoding the records one by one gives, in whatever order they were added", () => {
  for (const order of [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 1, 4, 3], [3]]) {
    const group = grouped(bytes, order);
    expect(group.areSound()).toBe(true);
    expect(group.count).toBe(order.length);
    for (const [number, of] of order.entries()) {
      const alone = codec.decodeRecord(bytes, POSITION + (starts[of] ?? 0), starts[of], ends[of]);
      const { kind, key, value, encoding, expiresAt, position, length } = group.record(number) ?? {};
      expect({ kind, key, value, encoding, expiresAt, position, length }).toEqual({
        kind: alone?.kind,
        key: alone?.key,
        value: alone?.value,
        encoding: alone?.encoding,
        expiresAt: alone?.expiresAt,
        position: alone?.position,
        length: alone?.length,
      });
      expect(group.record(number)?.text()).toBe(alone?.text());
    }
  }
});

test("a bit that is wrong in any of the records, or in its checksum, is noticed", () => {
  for (let bit = (starts[0] ?? 0) * 8; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes);
    flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    expect(grouped(flipped).areSound()).toBe(false);
  }
});

test("records that changed places are noticed", () => {
  const twins = written([put("one", "1"), put("two", "2"), put("six", "6")]);
  const [first = 0, second = 0] = twins.starts;
  const length = second - first;
  const swapped = Buffer.from(twins.bytes);
  twins.bytes.copy(swapped, first, second, second + length);
  twins.bytes.copy(swapped, second, first, first + length);
  for (const [from, isSound] of [[twins.bytes, true] as const, [swapped, false] as const]) {
    const group = codec.newGroup?.();
    for (const start of twins.starts) group?.add(from, start, length, POSITION + start);
    expect(group?.areSound()).toBe(isSound);
  }
});

test("the records stay as they were added, whatever becomes of the bytes", () => {
  const changing = Buffer.from(bytes);
  const group = grouped(changing);
  expect(group.areSound()).toBe(true);
  changing.fill(0);
  expect(group.record(0)?.key as string).toBe("first");
  const out = new ByteWriter(64);
  const seal = codec.newGroup?.();
  expect(seal?.count).toBe(0);
  codec.encodeSeal(out, POSITION, { records: 1, length: 2, digest: 3 });
  expect(seal?.add(out.view(), 8, out.length - 8, POSITION + 8)).toBe(true);
  expect(seal?.areSound()).toBe(true);
  // It is sound, but no record of a key.
  expect(seal?.record(0)).toBeUndefined();
});

test("a merge takes a record out of a group as it takes it alone", () => {
  const group = grouped(bytes);
  expect(group.areSound()).toBe(true);
  for (const [number, start] of starts.entries()) {
    const alone = codec.decodeRecord(bytes, POSITION + start, start, ends[number]);
    const [one, other] = [group.record(number), alone].map((record) => {
      const out = new ByteWriter(64);
      if (record !== undefined) codec.encodeFrame(out, 4096, [record]);
      return out.view().toString("hex");
    });
    expect(one).toBe(other ?? "");
  }
});

test("a group holds what is short, as much as there is room for, and starts anew once it is cleared", () => {
  const long = written([put("long", "x".repeat(2000))]);
  const {
    bytes: some,
    starts: [start = 0],
    ends: [end = 0],
  } = written([put("some", "x".repeat(900))]);
  const group = grouped(bytes);
  expect(group.add(long.bytes, long.starts[0] ?? 0, 2000, POSITION)).toBe(false);
  expect(group.add(some, start, some.length, POSITION + start)).toBe(false);
  let added = group.count;
  while (group.add(some, start, end - start, POSITION + start)) added += 1;
  expect(group.count).toBe(added);
  expect(added).toBeGreaterThan(10);
  expect(added).toBeLessThan(40);
  expect(group.areSound()).toBe(true);
  group.clear();
  expect(group.count).toBe(0);
  group.add(some, start, end - start, POSITION + start);
  expect(group.areSound()).toBe(true);
  expect(group.record(0)?.key as string).toBe("some");
});
