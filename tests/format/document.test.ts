import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeHint, parseHint } from "../../src/format/hint.ts";
import { encodeLogHeader, parseLogHeader } from "../../src/format/log-header.ts";
import { writeExample } from "./example.ts";

/** The example of docs/format.md must be what the code writes. */
const DOCUMENT = readFileSync(join(import.meta.dir, "../../docs/format.md"), "utf8");
const directory = mkdtempSync(join(tmpdir(), "kvs-format-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const MERGED = {
  storeId: "000102030405060708090a0b0c0d0e0f",
  logId: "4041424344454647",
  first: 1,
  last: 2,
  inputs: ["1011121314151617", "2021222324252627"],
};

test("every block of the document is compared with the code", () => {
  expect(
    [...DOCUMENT.matchAll(/^```(hex|json) (\S+)$/gm)].map(([, kind, name]) => `${kind} ${name}`),
  ).toEqual(["hex 1.log", "json 1.log", "hex 1-2.log", "json 1-2.log", "hex LOCK"]);
});

test("the binary log of the document is what is written", async () => {
  await writeExample(join(directory, "binary"), "binary");
  expect(hexBlock("1.log")).toBe(readFileSync(join(directory, "binary/1.log")).toString("hex"));
});

test("the JSON log of the document is what is written", async () => {
  await writeExample(join(directory, "json"), "json");
  expect(block("json 1.log")).toBe(readFileSync(join(directory, "json/1.log"), "utf8"));
});

test("the headers of the merged log are what is written, and read", () => {
  expect(hexBlock("1-2.log")).toBe(encodeLogHeader("binary", MERGED).toString("hex"));
  expect(block("json 1-2.log")).toBe(encodeLogHeader("json", MERGED).toString());
  expect(parseLogHeader(Buffer.from(hexBlock("1-2.log"), "hex"))).toMatchObject({ header: MERGED });
});

test("the hint of the document is what is written, and read", () => {
  const hint = {
    counter: 4_194_318,
    logId: "2021222324252627",
    generation: 2,
    writtenBytes: 64,
    syncedBytes: 64,
    bootId: "b0".repeat(16),
    suspect: false,
    tornTailsCut: 0,
    layout: 5,
    tailDigest: 0,
  };
  expect(hexBlock("LOCK")).toBe(encodeHint(hint).toString("hex"));
  expect(parseHint(Buffer.from(hexBlock("LOCK"), "hex"))).toEqual(hint);
});

/** The content of a fenced block, its last line's end included. */
function block(info: string): string {
  const found = DOCUMENT.split(`\n\`\`\`${info}\n`)[1]?.split("\n```\n")[0];
  if (found === undefined) throw new Error(`The document has no block "${info}"`);
  return `${found}\n`;
}

/** The bytes of a hex block, whose lines are offset, bytes and what they mean. */
function hexBlock(name: string): string {
  let hex = "";
  for (const line of block(`hex ${name}`).trimEnd().split("\n")) {
    const [, offset = "", bytes = ""] = /^([0-9a-f]{3}) {2}((?:[0-9a-f]{2} ?)+)(?: |$)/.exec(line) ?? [];
    expect([line, Number.parseInt(offset, 16)]).toEqual([line, hex.length / 2]);
    hex += bytes.replaceAll(" ", "");
  }
  return hex;
}
