import { expect, test } from "bun:test";
import {
  COMPACT_NAME,
  LOCK_NAME,
  logName,
  parentOf,
  parseLogName,
  parseTemporaryName,
  temporaryName,
} from "../../src/disk/file-names.ts";
import { Random } from "./random.ts";

const MAX = Number.MAX_SAFE_INTEGER;

test("a log's name says its interval", () => {
  expect(logName({ first: 7, last: 7 })).toBe("7.log");
  expect(logName({ first: 1, last: 6 })).toBe("1-6.log");
  expect(logName({ first: MAX, last: MAX })).toBe("9007199254740991.log");
  expect(temporaryName("1-6.log")).toBe("1-6.log.tmp");
  expect([LOCK_NAME, COMPACT_NAME]).toEqual(["LOCK", "COMPACT"]);
});

test("only canonical names are names of logs", () => {
  const others = `07.log 7-7.log 0.log 0-1.log 1-.log -1.log -.log 1--2.log 1-2-3.log 2-1.log 01-6.log 1-06.log NaN.log
    Infinity.log 1-Infinity.log 7.log.bak 7.LOG 7.Log .log log 7 7. 7.logs x7.log 7.log.tmp +7.log 7e0.log 1e3.log 0x7.log
    0b1.log 7.0.log 7.5.log 1_000.log 1,000.log ７.log 7\u0301.log 9007199254740992.log 9007199254740993.log
    1-9007199254740992.log 18446744073709551615.log 99999999999999999999999.log 1e21.log LOCK COMPACT 7.idx 7.tmp .. .`;
  const spaced = [
    "",
    " ",
    " 7.log",
    "7 .log",
    "7.log ",
    "7\n.log",
    "7.log\n",
    "1 - 6.log",
    "\u00a07.log",
    "7.log\0",
    "./7.log",
    "a/7.log",
  ];
  for (const name of [...others.split(/[ \n]+/), ...spaced])
    expect([name, parseLogName(name)]).toEqual([name, undefined]);
});

test("building and parsing names are each other's inverse", () => {
  const random = new Random(3);
  const numbers = [1, 2, 9, 10, 99, 100, 2 ** 31, 2 ** 32, 2 ** 32 + 1, MAX - 1, MAX];
  for (let run = 0; run < 500; run += 1) numbers.push(1 + random.below(2 ** 32) * random.below(2 ** 20));
  for (const first of numbers.slice(0, 100)) {
    for (const last of numbers.filter((number) => number >= first)) {
      const name = logName({ first, last });
      expect(parseLogName(name)).toEqual({ first, last });
      expect(parseTemporaryName(temporaryName(name))).toEqual({ first, last });
      expect(parseLogName(temporaryName(name))).toBeUndefined();
    }
  }
});

test("only an unfinished log has the name of one", () => {
  for (const name of ["7.log", ".tmp", "7.tmp", "07.log.tmp", "7.log.tmp.tmp", "LOCK.tmp", "7.log.TMP"]) {
    expect(parseTemporaryName(name)).toBeUndefined();
  }
});

test("a store's own name stands in the directory above it, which may be the root", () => {
  expect([parentOf("/data/store"), parentOf("/store")]).toEqual(["/data", "/"]);
});
