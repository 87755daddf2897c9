import { expect, test } from "bun:test";
import { parseSummary, summaryLine } from "./summary.ts";

const PASSING = "\n 2 pass\n 0 fail\n 2 expect() calls\nRan 2 tests across 1 file. [4.00ms]\n";

test("the counts of a run are read", () => {
  expect(parseSummary(PASSING)).toEqual({ passed: 2, failed: 0, skipped: 0 });
  const mixed = "\n 1 pass\n 1 skip\n 1 todo\n 12 fail\n 1 error\nRan 15 tests across 2 files. [4.00ms]\n";
  expect(parseSummary(mixed)).toEqual({ passed: 1, failed: 12, skipped: 2 });
});

test("colours do not hide the counts", () => {
  const coloured =
    "\u001b[32m 3 pass\u001b[0m\n\u001b[2m 0 fail\u001b[0m\nRan 3 tests across 1 file. \u001b[2m[1ms]\u001b[0m\n";
  expect(parseSummary(coloured)).toEqual({ passed: 3, failed: 0, skipped: 0 });
});

test("a run without its last line has no summary", () => {
  expect(parseSummary("")).toBeUndefined();
  expect(parseSummary("(pass) a\n 2 pass\n 0 fail\n")).toBeUndefined();
  expect(parseSummary(`${PASSING}(pass) a test that ran after a forged summary\n`)).toBeUndefined();
});

test("the last line counts what was skipped, if anything was", () => {
  expect(summaryLine({ passed: 2, failed: 1, skipped: 0 })).toBe("2 passed, 1 failed");
  expect(summaryLine({ passed: 2, failed: 0, skipped: 3 })).toBe("2 passed, 0 failed, 3 skipped");
});
