import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realDisk } from "../../src/disk/real-disk.ts";
import { noteFailure, tryCompactionLock, unlockCompaction } from "../../src/engine/compaction-lock.ts";
import { encodeHint, parseHint } from "../../src/format/hint.ts";
import { encodeLogHeader, parseLogHeader } from "../../src/format/log-header.ts";
import { writeExample } from "./example.ts";
import { slowCrc, slowHash } from "./index-from-document.ts";

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
  ).toEqual(["hex 1.log", "hex 1.idx", "json 1.log", "hex 1-2.log", "json 1-2.log", "hex LOCK"]);
});

test("the binary log and the index of the document are what is written", async () => {
  await writeExample(join(directory, "binary"), "binary");
  expect(hexBlock("1.log")).toBe(readFileSync(join(directory, "binary/1.log")).toString("hex"));
  expect(hexBlock("1.idx")).toBe(readFileSync(join(directory, "binary/1.idx")).toString("hex"));
});

test("hashes, homes and bits of the document are what is worked out from its text", () => {
  const store = MERGED.storeId;
  const keys = { "`k`": "k", "`price`": "price", "`s`": "s", "the byte ff": Buffer.of(0xff) };
  const rows = Object.entries(keys).map(([name, key]) => {
    const hash = slowHash(Buffer.from(key), store);
    const step = (hash >>> 9) | 1;
    const bits = [0, 1, 2, 3, 4, 5].map((probe) => (hash + probe * step) % 512);
    const home = Math.floor((hash * 6) / 2 ** 32);
    return `| ${name} | ${hash.toString(16).padStart(8, "0")} | ${home} | ${bits.join(", ")} |`;
  });
  expect(DOCUMENT).toContain(`\n${rows.join("\n")}\n`);
});

test("the notes in COMPACT are what the document says", async () => {
  const path = join(directory, "noted");
  await writeExample(path, "binary");
  const lock = tryCompactionLock(realDisk, path);
  if (lock === undefined) throw new Error("Somebody compacts the example");
  noteFailure(lock, "merge", MERGED.inputs);
  noteFailure(lock, "index", MERGED.inputs);
  unlockCompaction(lock);
  const digest = slowCrc(Buffer.from(MERGED.inputs.join(" ")), 0)
    .toString(16)
    .padStart(8, "0");
  const lines = DOCUMENT.match(/^not (merge|index)able: .*$/gm) ?? [];
  const wanted = lines.map((line) => line.replace("N", "2").replace("<8 hex digits>", digest));
  const notes = wanted.map((line) => `${line.padEnd(63)}\n`).join("");
  expect([lines.length, readFileSync(join(path, "COMPACT"), "latin1")]).toEqual([2, notes]);
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

/** The bytes of a hex block, whose lines are offset, bytes and what they mean; a line of dots stands for zeros. */
function hexBlock(name: string): string {
  let hex = "";
  const lines = block(`hex ${name}`).trimEnd().split("\n");
  for (const [number, line] of lines.entries()) {
    if (line === "...") {
      hex = hex.padEnd(Number.parseInt(lines[number + 1] ?? "", 16) * 2, "0");
      continue;
    }
    const [, offset = "", bytes = ""] = /^([0-9a-f]{3,4}) {2}((?:[0-9a-f]{2} ?)+)(?: |$)/.exec(line) ?? [];
    expect([line, Number.parseInt(offset, 16)]).toEqual([line, hex.length / 2]);
    hex += bytes.replaceAll(" ", "");
  }
  return hex;
}
