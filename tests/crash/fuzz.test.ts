import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fuzzArchives } from "../reliability/fuzz/archives.ts";
import { fuzzImports, wrongWithInput } from "../reliability/fuzz/imports.ts";
import { fuzzArguments, fuzzSessions } from "../reliability/fuzz/program.ts";
import { fuzzIndexes, fuzzLock, fuzzLogs, wrongWith } from "../reliability/fuzz/stores.ts";
import { expectSound } from "../reliability/quick.ts";
import { machineWith } from "../reliability/reference-store.ts";
import { inSimulatedTime } from "../support/simulated-time.ts";

const MINUTE_MS = 60_000;
const CORPUS = join(import.meta.dirname, "../fixtures/corpus");

describe("made-up input", () => {
  const cases = [
    ["logs", fuzzLogs, 1500],
    ["indexes", fuzzIndexes, 1000],
    ["LOCK and COMPACT", fuzzLock, 1000],
    ["backups", fuzzArchives, 1000],
    ["imports and requests", fuzzImports, 20_000],
    ["command lines", fuzzArguments, 120],
    ["sessions", fuzzSessions, 80],
  ] as const;
  for (const [what, campaign, count] of cases) {
    test(
      `in ${what} is answered or refused, and nothing else`,
      () => expectSound(campaign, count),
      2 * MINUTE_MS,
    );
  }
});

/** Inputs that once failed, and those that lead to special branches. */
describe("the corpus", () => {
  for (const format of ["jsonl", "tsv", "nul", "mdb", "shell"]) {
    test(`of ${format} is read or refused, byte by byte as at once`, () => {
      const names = readdirSync(join(CORPUS, format));
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) {
        const input = readFileSync(join(CORPUS, format, name));
        const bytes = Array.from(input, (_, at) => input.subarray(at, at + 1));
        expect([name, wrongWithInput(format, input, bytes)]).toEqual([name, undefined]);
      }
    });
  }

  /** Files of a directory, in base64. */
  type Stored = Readonly<Record<string, string>>;

  const stores = readdirSync(join(CORPUS, "stores"));
  test.each(stores)("of stores gives answers or errors: %s", async (name) => {
    const stored = JSON.parse(readFileSync(join(CORPUS, "stores", name), "utf8")) as Stored;
    const files = new Map(
      Object.entries(stored).map(([file, base64], inode) => [
        file,
        { inode: inode + 1, modified: 1, bytes: Buffer.from(base64, "base64") },
      ]),
    );
    for (const mmap of [true, false]) {
      const wrong = await inSimulatedTime(1, () => wrongWith(machineWith({ files }, new Map()), mmap));
      expect(wrong).toBeUndefined();
    }
  });
});
