import { expect, test } from "bun:test";
import { jsonCodec } from "../../src/format/json-codec.ts";
import { encodeKey } from "../../src/format/key.ts";
import { frameOf, put, remove, sealOf } from "./frames.ts";

const POSITION = 141;
const SET = '{"Set":{"key":"k","value":"v"}}\n';
const BATCH =
  '{"Set":{"key":"a","value":"1","more":true}}\n{"Remove":{"key":"b","more":true}}\n{"Set":{"key":"c","value":""}}\n';

test("a frame is one line, a batch one line for each of its records", () => {
  expect(frameOf(jsonCodec, POSITION, [put("k", "v")]).toString()).toBe(SET);
  expect(frameOf(jsonCodec, POSITION, [put("a", "1"), remove("b"), put("c", "")]).toString()).toBe(BATCH);
});

test("a batch comes back as one frame, with each record's place", () => {
  const frame = jsonCodec.parseFrame(Buffer.from(`x\n${BATCH}${SET}`), 2, POSITION);
  const records = [
    { key: encodeKey("a"), kind: "put", position: POSITION, length: 44, expiresAt: 0, checksum: 0 },
    { key: encodeKey("b"), kind: "remove", position: POSITION + 44, length: 35, expiresAt: 0, checksum: 0 },
    { key: encodeKey("c"), kind: "put", position: POSITION + 79, length: 31, expiresAt: 0, checksum: 0 },
  ] as const;
  expect(frame).toEqual({ status: "records", length: BATCH.length, records });
});

test("a frame is incomplete wherever it is cut, a batch between its lines too", () => {
  for (let length = 0; length < BATCH.length; length += 1) {
    expect(jsonCodec.parseFrame(Buffer.from(BATCH.slice(0, length)), 0, POSITION).status).toBe("incomplete");
  }
});

test("the seal is an empty line", () => {
  expect(sealOf(jsonCodec, POSITION, { records: 3, length: POSITION, digest: 7 }).toString()).toBe("\n");
  expect(jsonCodec.parseFrame(Buffer.from(`${SET}\n`), SET.length, POSITION)).toEqual({
    status: "seal",
    length: 1,
    summary: undefined,
  });
});

test("an empty line within a batch is damage", () => {
  const broken = BATCH.replace('"more":true}}\n', '"more":true}}\n\n');
  expect(jsonCodec.parseFrame(Buffer.from(broken), 0, POSITION).status).toBe("damaged");
});

test("a line that is no command is damage, also in a batch", () => {
  for (const line of [
    " ",
    "\r",
    "\0",
    "{}",
    "[]",
    "null",
    "x",
    SET.slice(0, 9),
    '{"Get":{"key":"k"}}',
    SET.trim() + SET.trim(),
  ]) {
    expect(jsonCodec.parseFrame(Buffer.from(`${line}\n`), 0, POSITION).status).toBe("damaged");
    expect(jsonCodec.parseFrame(Buffer.from(BATCH.replace("\n", `\n${line}\n`)), 0, POSITION).status).toBe(
      "damaged",
    );
  }
});

test("bytes that are not UTF-8 are damage, a byte order mark among them", () => {
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    const line = Buffer.concat([Buffer.from('{"Remove":{"key":"'), Buffer.from(bytes), Buffer.from('"}}\n')]);
    expect(jsonCodec.parseFrame(line, 0, POSITION).status).toBe("damaged");
  }
  expect(jsonCodec.parseFrame(Buffer.from(`\ufeff${SET}`), 0, POSITION).status).toBe("damaged");
});

test("a run of zeros, or of ones, is never a command", () => {
  for (const fill of [0, 0xff]) {
    const bytes = Buffer.alloc(4096, fill);
    expect(jsonCodec.parseFrame(bytes, 0, POSITION).status).toBe("incomplete");
    bytes[99] = 0x0a;
    expect(jsonCodec.parseFrame(bytes, 0, POSITION).status).toBe("damaged");
  }
});

test("a record on its own is one whole line", () => {
  expect(jsonCodec.decodeRecord(Buffer.from(SET), POSITION)?.value.toString()).toBe("v");
  for (const text of ["", "\n", SET.trim(), SET.slice(1), SET + SET]) {
    expect(jsonCodec.decodeRecord(Buffer.from(text), POSITION)).toBeUndefined();
  }
});

test("text and bytes are told apart where they can be", () => {
  expect([
    encodingOf("v"),
    encodingOf("é"),
    encodingOf(Buffer.of(0xff)),
    encodingOf(Buffer.from("é")),
  ]).toEqual(["utf8", "utf8", "bytes", "utf8"]);
});

function encodingOf(value: string | Uint8Array): string | undefined {
  return jsonCodec.decodeRecord(frameOf(jsonCodec, POSITION, [put("k", value)]), POSITION)?.encoding;
}
