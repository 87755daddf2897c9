import { describe, expect, test } from "bun:test";
import { spellOut } from "../../src/cli/citty.ts";
import type { ArgsSpec } from "../../src/cli/command.ts";
import { parseDuration } from "../../src/cli/duration.ts";
import { escapeLine, escapeLineForTerminal, escapeTextForTerminal } from "../../src/cli/escapes.ts";
import { jsonLine } from "../../src/cli/json-line.ts";
import { formatBytes } from "../../src/cli/numbers.ts";
import { renderStats } from "../../src/cli/render-stats.ts";
import { nearest } from "../../src/cli/suggest.ts";

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

describe("escapes", () => {
  test("of lines touch backslash, tab, newline and return, and nothing else", () => {
    expect(utf8(escapeLine(Buffer.from("a\\b\tc\nd\re")))).toBe("a\\\\b\\tc\\nd\\re");
    const others = Buffer.from(
      Array.from({ length: 256 }, (_, byte) => byte).filter(
        (byte) => !"\\\t\n\r".includes(String.fromCharCode(byte)),
      ),
    );
    expect(escapeLine(others)).toEqual(others);
  });

  test("of lines for a terminal show control bytes, and leave letters of all languages", () => {
    expect(utf8(escapeLineForTerminal(Buffer.from("\x1b[31mé漢\x07\x7f\\")))).toBe(
      "\\x1b[31mé漢\\x07\\x7f\\\\",
    );
  });

  test("for a terminal show C1 controls, as characters and as bytes", () => {
    expect(utf8(escapeLineForTerminal(Buffer.from("a\u009bb")))).toBe("a\\xc2\\x9bb");
    expect(latin1(escapeLineForTerminal(Buffer.from([0x61, 0x9b, 0xff])))).toBe("a\\x9b\\xff");
  });

  test("of text for a terminal leave tab, newline and backslash", () => {
    expect(utf8(escapeTextForTerminal(Buffer.from("a\\b\tc\nd\re\0")))).toBe("a\\b\tc\nd\\re\\x00");
  });
});

test("A JSON line gives text as text and other bytes as base64", () => {
  const fields = { key: Buffer.from('k"\n'), value: Buffer.from([0xff, 0]) };
  expect(jsonLine(fields)).toBe('{"key":"k\\"\\n","value_base64":"/wA="}\n');
  expect(jsonLine({ value: Buffer.from("\ufeffv") })).toBe('{"value":"\ufeffv"}\n');
});

describe("parseDuration", () => {
  test.each([
    ["500ms", 500],
    ["10s", 10_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
    ["0s", 0],
  ])("reads %s", (text, ms) => expect(parseDuration(text, "--wait")).toBe(ms));

  test.each(["", "10", "s", "-1s", "1.5s", "1 s", "1w", "1s2m", "9toString"])("refuses %j", (text) => {
    expect(() => parseDuration(text, "--wait")).toThrow(`--wait is "${text}", expected a duration`);
  });

  test.each(["99999999999999d", `${"9".repeat(400)}ms`])("says that %s is too long", (text) => {
    expect(() => parseDuration(text, "--wait")).toThrow(`--wait is "${text}", expected a shorter duration`);
  });
});

test("formatBytes picks the unit", () => {
  expect([0, 1023, 1024, 1536, 5 * 1024 ** 2, 2 * 1024 ** 4].map(formatBytes)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "5.0 MiB",
    "2.0 TiB",
  ]);
});

test("nearest finds what was meant, and nothing where nothing is near", () => {
  const commands = ["get", "set", "list", "exists", "compact"];
  expect(["gte", "lsit", "exsits", "compct"].map((word) => nearest(word, commands))).toEqual([
    "get",
    "list",
    "exists",
    "compact",
  ]);
  expect(nearest("frobnicate", commands)).toBeUndefined();
});

test("Checked arguments are spelled so that flags and operands keep their places", () => {
  const spec: ArgsSpec = {
    key: { type: "positional", required: false, description: "" },
    "key-hex": { type: "string", valueHint: "HEX", replaces: "key", description: "" },
    duration: { type: "positional", description: "" },
    json: { type: "boolean", description: "" },
  };
  const values = { "key-hex": "-x", duration: "--json", json: true };
  expect(spellOut(spec, { values, literal: new Set() })).toEqual([
    "--key-hex=-x",
    "--json",
    "--",
    "",
    "--json",
  ]);
});

test("Statistics show live and stale bytes as bars, relative to the largest generation", () => {
  const generation = { first: 1, last: 1, sealed: true, format: "binary", records: 3 } as const;
  const text = renderStats(
    {
      directory: "/d",
      format: "binary",
      generations: [
        { ...generation, name: "1.log", bytes: 2048, liveBytes: 1024, staleBytes: 1024 },
        { ...generation, name: "2.log", sealed: false, bytes: 1024, liveBytes: 1024, staleBytes: 0 },
      ],
      keys: 5,
      diskBytes: 3072,
      liveBytes: 2048,
      staleBytes: 1024,
      tornTailsCut: 1,
      tornTailBytes: 0,
      rotationsPostponed: 2,
      compactionDue: { rule: "count", generations: 4 },
    },
    { bars: true, color: false },
  );
  expect(text).toBe(
    [
      "store       /d (binary)",
      "keys        5",
      "disk        3.0 KiB",
      "live        2.0 KiB",
      "stale       1.0 KiB",
      "torn tails  1 cut, 0 B to be cut by the next write",
      "compaction  due: 4 generations, many are of similar size, 2 logs had to wait for it",
      "",
      "generation  state   format  records  size     live     stale",
      `1.log       sealed  binary  3        2.0 KiB  1.0 KiB  1.0 KiB  ${"█".repeat(12)}${"░".repeat(12)}`,
      `2.log       active  binary  3        1.0 KiB  1.0 KiB  0 B      ${"█".repeat(12)}`,
      "",
    ].join("\n"),
  );
});
