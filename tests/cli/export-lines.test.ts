import { afterEach, beforeEach, expect, test } from "bun:test";
import { KvStore } from "../../src/index.ts";
import { Sandbox } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

/** A text as JSON, with no control character in it. */
function visibleJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f]/g,
    (control) => `\\u00${control.charCodeAt(0).toString(16)}`,
  );
}

/** Fills a store with these values, and expects of each the line that `lineOf` says. */
function expectLines(
  values: readonly (string | Uint8Array)[],
  args: readonly string[],
  lineOf: (key: string, value: string | Uint8Array) => string,
): void {
  const keyOf = (number: number): string => `key ${10_000 + number}`;
  {
    using store = KvStore.open(sandbox.path("store"));
    for (const [number, value] of values.entries()) store.set(keyOf(number), value);
  }
  const lines = sandbox.bytes(["export", "--dir", "store", ...args]).toString();
  expect(lines).toBe(values.map((value, number) => lineOf(keyOf(number), value)).join(""));
}

/** Every character that is special anywhere, at each place among others: they are looked at four at a time. */
const TEXTS: readonly string[] = Array.from({ length: 0x180 }, (_, code) =>
  String.fromCharCode(code),
).flatMap((character) => [
  character,
  `a${character}`,
  `ab${character}c`,
  `abc${character}defg`,
  `é${character}€😀`,
]);

test("export writes every text as JSON that holds no control character", () => {
  const values = [...TEXTS, "", "x".repeat(70_000), `"${"x".repeat(70_000)}`, '"\u0085é'.repeat(10_000)];
  expectLines(
    [...values, ...values.map((text) => new Uint8Array(Buffer.from(text)))],
    [],
    (key, value) =>
      `{"Set":{"key":"${key}","value":${visibleJson(typeof value === "string" ? value : Buffer.from(value).toString())}}}\n`,
  );
});

test("export writes bytes that are no text as base64", () => {
  const values = [[0xff], [0x61, 0x80], [0xc2], [0xc2, 0x22], [0xed, 0xa0, 0x80], [0x22, 0x5c, 0xfe]];
  expectLines(
    values.map((bytes) => Uint8Array.from(bytes)),
    [],
    (key, value) =>
      `{"Set":{"key":"${key}","value":"${Buffer.from(value as Uint8Array).toString("base64")}","encoding":"base64"}}\n`,
  );
});

test("export writes a key as JSON, whatever is in it", () => {
  using store = KvStore.open(sandbox.path("store"));
  const keys = [...new Set(TEXTS)].toSorted((one, other) =>
    Buffer.compare(Buffer.from(one), Buffer.from(other)),
  );
  for (const key of keys) store.set(key, "v");
  store.flushSync();
  const lines = sandbox.bytes(["export", "--dir", "store"]).toString();
  expect(lines).toBe(keys.map((key) => `{"Set":{"key":${visibleJson(key)},"value":"v"}}\n`).join(""));
});

test("export as lines escapes nothing but backslash, tab, newline and return", () => {
  const escapes = new Map([
    ["\\", "\\\\"],
    ["\t", "\\t"],
    ["\n", "\\n"],
    ["\r", "\\r"],
  ]);
  expectLines(
    TEXTS,
    ["--as", "tsv"],
    (key, value) =>
      `${key}\t${(value as string).replace(/[\\\t\n\r]/g, (found) => escapes.get(found) ?? "")}\n`,
  );
});

test("export with NUL bytes writes all other bytes as they are", () => {
  const values = TEXTS.filter((text) => !text.includes("\0"));
  expectLines(values, ["--as", "nul"], (key, value) => `${key}\0${value as string}\0`);
});
