import { expect, test } from "bun:test";
import { foreignCodec, startsAsForeign } from "../../src/format/foreign-codec.ts";
import { adoptingStoreId, belongsTo, foreignHeader, foreignLogId } from "../../src/format/foreign-store.ts";
import { encodeLogHeader } from "../../src/format/log-header.ts";
import { everyFlip } from "./frames.ts";

const HEADER = {
  storeId: "00112233445566778899aabbccddeeff",
  logId: "0123456789abcdef",
  first: 1,
  last: 1,
  inputs: [],
};

test("no header of ours is taken for a foreign log, whatever bit of it changes", () => {
  for (const format of ["json", "binary"] as const) {
    const header = encodeLogHeader(format, HEADER);
    expect(startsAsForeign(header)).toBe(false);
    for (const flipped of everyFlip(header)) expect(startsAsForeign(flipped)).toBe(false);
  }
});

test("a foreign log starts with a command, or is too short for one", () => {
  for (const start of [
    "",
    '{"Set":{"key":"a","value":"b"}}',
    '{"Remove":{"key":""}}{',
    '\n{"Se',
    '{"Remove":{"key":"\\',
  ])
    expect([start, startsAsForeign(Buffer.from(start))]).toEqual([start, true]);
  for (const start of [
    "\0",
    "x",
    "[",
    '{"Get"',
    '{"Remove":{"key":"",',
    '{"Set":{"key":"a"}',
    '{"Set":{"key":"a\n',
    "\x89KVS",
  ])
    expect([start, startsAsForeign(Buffer.from(start, "latin1"))]).toEqual([start, false]);
});

test("records of a foreign log are where their commands are", () => {
  const bytes = Buffer.from('..\n {"Set":{"key":"ü","value":"1"}}\n{"Remove":{"key":"b"}}{"Remove":');
  expect(foreignCodec.parseFrame(bytes, 2, 1000)).toEqual({
    status: "records",
    length: 34,
    records: [
      {
        key: Buffer.from("ü").latin1Slice() as never,
        position: 1002,
        length: 32,
        kind: "put",
        expiresAt: 0,
        checksum: 0,
      },
    ],
  });
  expect(foreignCodec.decodeRecord(bytes, 1002, 4, 36)?.text()).toBe("1");
  expect(foreignCodec.endOfRecord(bytes, 4)).toBe(36);
  expect(foreignCodec.parseFrame(bytes, 36, 1034)).toMatchObject({
    length: 23,
    records: [{ position: 1035, length: 22 }],
  });
  expect(foreignCodec.parseFrame(bytes, 59, 1057)).toMatchObject({ status: "incomplete" });
  expect(foreignCodec.endOfRecord(bytes, 59)).toBeUndefined();
});

test("a store's id says which headerless logs belong to it", () => {
  const storeId = adoptingStoreId(8, HEADER.storeId);
  expect(storeId).toBe("6b7673727300000000000008ccddeeff");
  const belong = (generation: number, store: string): boolean =>
    belongsTo(
      foreignHeader(generation, () => ""),
      store,
    );
  expect([belong(7, storeId), belong(8, storeId), belong(1, HEADER.storeId)]).toEqual([true, false, false]);
  expect([belongsTo(HEADER, HEADER.storeId), belongsTo(HEADER, storeId)]).toEqual([true, false]);
  const last = adoptingStoreId(Number.MAX_SAFE_INTEGER, HEADER.storeId);
  expect([belong(Number.MAX_SAFE_INTEGER - 1, last), belong(Number.MAX_SAFE_INTEGER, last)]).toEqual([
    true,
    false,
  ]);
});

test("the id of a foreign log is its number and the digest of its bytes", () => {
  expect(foreignLogId(4, 0xb1_8d_a5_01)).toBe("0400000001a58db1");
});
