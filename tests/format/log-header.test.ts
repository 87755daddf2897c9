import { describe, expect, test } from "bun:test";
import type { LogHeader } from "../../src/format/header.ts";
import {
  codecFor,
  encodeLogHeader,
  encodeLogHeaderAnew,
  formatOf,
  parseLogHeader,
} from "../../src/format/log-header.ts";
import { everyFlip, hex } from "./frames.ts";

const STORE = "00112233445566778899aabbccddeeff";
const LOG = "0123456789abcdef";
const PLAIN: LogHeader = { storeId: STORE, logId: LOG, first: 7, last: 7, inputs: [] };
const MERGED: LogHeader = {
  storeId: STORE,
  logId: LOG,
  first: 1,
  last: 6,
  inputs: ["1111111111111111", "a1a2a3a4a5a6a7a8"],
};
const LAST: LogHeader = { ...PLAIN, first: Number.MAX_SAFE_INTEGER, last: Number.MAX_SAFE_INTEGER };

// Calculated by another program, written from docs/format.md.
const BINARY: readonly (readonly [string, LogHeader, string])[] = [
  [
    "a log that is written to",
    PLAIN,
    `894b56530d0a1a0a 01000000 40000000 ${STORE} ${LOG} 0700000000000000 0700000000000000 00000000 f8d1433d`,
  ],
  [
    "a merged log",
    MERGED,
    `894b56530d0a1a0a 01000000 50000000 ${STORE} ${LOG} 0100000000000000 0600000000000000 02000000
     1111111111111111 a1a2a3a4a5a6a7a8 5e6b901a`,
  ],
  [
    "the last log there can be",
    LAST,
    `894b56530d0a1a0a 01000000 40000000 ${STORE} ${LOG} ffffffffffff1f00 ffffffffffff1f00 00000000 596766bb`,
  ],
];

describe.each(BINARY)("the binary header of %s", (_, header, digits) => {
  const golden = hex(digits);

  test("has these bytes, and gives its fields back", () => {
    expect(encodeLogHeader("binary", header)).toEqual(golden);
    expect(formatOf(golden)).toBe("binary");
    expect(parseLogHeader(Buffer.concat([golden, Buffer.alloc(9)]))).toEqual({
      status: "header",
      length: golden.length,
      header,
    });
  });

  test("is no header, and none of another version, after any change of one bit", () => {
    for (const flipped of everyFlip(golden))
      expect(["damaged", "incomplete"]).toContain(parseLogHeader(flipped).status);
  });

  test("is incomplete wherever it is cut behind its magic, and asks for no more than there is", () => {
    for (let length = 8; length < golden.length; length += 1) {
      const needed = length < 64 ? 64 : golden.length;
      expect(parseLogHeader(golden.subarray(0, length))).toEqual({ status: "incomplete", needed });
    }
  });
});

test("the header of a later version is told from a damaged one, whatever stands in it", () => {
  const bytes = hex(`894b56530d0a1a0a 02000000 45000000
    000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f 202122232425262728292a2b2c2d2e2f 30 833626b1`);
  expect(parseLogHeader(bytes)).toEqual({ status: "version", version: 2 });
  for (const flipped of everyFlip(bytes))
    expect(["damaged", "incomplete"]).toContain(parseLogHeader(flipped).status);
});

test("a header with a right checksum that contradicts itself is damaged", () => {
  for (const header of [
    { ...PLAIN, first: 0 },
    { ...PLAIN, first: 8 },
    { ...PLAIN, last: 2 ** 53 },
  ]) {
    for (const format of ["binary", "json"] as const) {
      expect(parseLogHeader(encodeLogHeader(format, header)).status).toBe("damaged");
    }
  }
});

test("what starts otherwise, or breaks off within the magic, is no log", () => {
  for (const text of [
    "",
    "\x89",
    "\x89KVS\r\n\x1a",
    " {}",
    "\ufeff{}",
    "\x89KVS\n\x1a\n",
    "kvs",
    "\0\0\0\0\0\0\0\0",
  ]) {
    expect(parseLogHeader(Buffer.from(text, "latin1")).status).not.toBe("header");
  }
});

describe("the JSON header", () => {
  const plain = `{"Remove":{"key":"","kvs":{"version":1,"store":"${STORE}","log":"${LOG}","first":7,"last":7,"inputs":[]}}}\n`;
  const merged =
    `{"Remove":{"key":"","kvs":{"version":1,"store":"${STORE}","log":"${LOG}","first":1,"last":6,` +
    `"inputs":["1111111111111111","a1a2a3a4a5a6a7a8"]}}}\n`;

  test.each([
    [PLAIN, plain],
    [MERGED, merged],
  ])("has these bytes, and gives its fields back", (header, text) => {
    expect(encodeLogHeader("json", header).toString()).toBe(text);
    expect(formatOf(Buffer.from(text))).toBe("json");
    expect(parseLogHeader(Buffer.from(`${text}\n`))).toEqual({
      status: "header",
      length: text.length,
      header,
    });
  });

  test("is incomplete wherever it is cut", () => {
    for (let length = 1; length < plain.length; length += 1) {
      expect(parseLogHeader(Buffer.from(plain.slice(0, length))).status).toBe("incomplete");
    }
  });

  test("of a later version is told from a damaged one, whatever else stands in it", () => {
    const line = '{"Remove":{"key":"","kvs":{"version":2,"log":7}}}\n';
    expect(parseLogHeader(Buffer.from(line))).toEqual({ status: "version", version: 2 });
  });

  test("is refused when a field is missing or not what it must be", () => {
    const wrong = [
      '{"Set":{"key":"k","value":"v"}}\n',
      '{"Remove":{"key":""}}\n',
      '{"Remove":{"key":"","kvs":null}}\n',
      "{not JSON}\n",
      plain.replace('"version":1,', ""),
      plain.replace('"version":1', '"version":"1"'),
      plain.replace(STORE, STORE.slice(2)),
      plain.replace(STORE, STORE.toUpperCase()),
      plain.replace(LOG, `${LOG}00`),
      plain.replace('"first":7', '"first":"7"'),
      plain.replace('"first":7', '"first":7.5'),
      plain.replace('"inputs":[]', '"inputs":["1"]'),
      plain.replace('"inputs":[]', '"inputs":{}'),
    ];
    for (const line of wrong)
      expect([line, parseLogHeader(Buffer.from(line)).status]).toEqual([line, "damaged"]);
  });
});

test("the codec is that of the format", () => {
  expect(codecFor("binary", LOG).format).toBe("binary");
  expect(codecFor("json", LOG).format).toBe("json");
});

describe("a head that is written anew", () => {
  test.each(["binary", "json"] as const)("takes the place of one with longer numbers: %s", (format) => {
    const { length } = encodeLogHeader(format, { ...MERGED, ...LAST, inputs: MERGED.inputs });
    const head = encodeLogHeaderAnew(format, MERGED, length);
    expect(head.length).toBe(length);
    expect(parseLogHeader(head)).toEqual({ status: "header", header: MERGED, length });
  });

  test("is never longer than the one before", () => {
    for (const format of ["binary", "json"] as const) {
      const { length } = encodeLogHeader(format, MERGED);
      expect(() => encodeLogHeaderAnew(format, MERGED, length - 1)).toThrow("does not fit");
    }
  });
});
