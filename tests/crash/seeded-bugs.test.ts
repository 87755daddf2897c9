import { Glob } from "bun";
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { bugTable, SEEDED_BUGS } from "../reliability/bug-table.ts";
import { expectSound } from "../reliability/quick.ts";
import { seededBugs } from "../reliability/seeded-bugs.ts";
import { KVS } from "../cli/run-kvs.ts";

const MINUTE_MS = 60_000;
const ROOT = resolve(import.meta.dirname, "../..");

describe("the seeded bugs", () => {
  test(
    "are caught, each by the test that is named for it",
    () => expectSound(seededBugs, seededBugs.full),
    5 * MINUTE_MS,
  );

  test("are those that the documentation lists; else: bun run reliability --only seeded-bugs --minutes 0 --output docs", () => {
    expect(Object.keys(SEEDED_BUGS)).toHaveLength(24);
    expect(readFileSync(resolve(ROOT, "docs/reliability.md"), "utf8")).toContain(bugTable());
  });

  test.each([
    ["the executable", KVS],
    ["what Workers run", resolve(ROOT, "src/engine/background-worker.txt")],
  ])("are not in %s", (_, path) => {
    const bytes = readFileSync(path);
    const found = ["hasBug", "seedBug", ...Object.keys(SEEDED_BUGS)].filter(
      (text) => bytes.includes(text) || bytes.includes(text, 0, "utf16le"),
    );
    expect(found).toEqual([]);
  });

  test("are switched on by nothing in the sources, and by no variable of a user's", () => {
    const found = [...new Glob("src/**/*.ts").scanSync(ROOT)].filter((path) =>
      /seedBug|KVS_SEEDED_BUG/.test(readFileSync(resolve(ROOT, path), "utf8")),
    );
    expect(found).toEqual(["src/format/seeded-bugs.ts"]);
  });
});
