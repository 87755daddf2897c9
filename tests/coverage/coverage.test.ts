import { describe, expect, test } from "bun:test";
import { type BranchCounts, uncalledFunctions, untakenBranches } from "./branches.ts";
import { parseExceptions, readExceptions } from "./exceptions.ts";
import { type Gap, judge, outermost } from "./gaps.ts";
import { instrument } from "./instrument.ts";
import { unrunLines } from "./lines.ts";
import { coveredSources, type Source } from "./sources.ts";
import { table, totalLine } from "./table.ts";

const FILE = "src/engine/example.ts";
const TEXT = `export function choose(wanted: boolean, words: readonly number[]): number {
  // Why not.
  if (wanted) return words[0] ?? 0;
  if (hasBug("example")) return -1;
  return words.length > 1 ? 2 : 1;
}

declare function hasBug(name: string): boolean;
`;
const SOURCE: Source = { file: FILE, path: `/project/${FILE}`, text: TEXT };

type Choose = (wanted: boolean, words: readonly number[]) => number;

/** What is counted while `work` runs with the instrumented function. */
function counting(work: (choose: Choose) => void): BranchCounts {
  const { code } = instrument(SOURCE.path, TEXT);
  const script = new Bun.Transpiler({ loader: "ts" }).transformSync(code).replaceAll("export ", "");
  const scope: Record<string, unknown> = {};
  // oxlint-disable-next-line typescript/no-implied-eval -- the counting program, in a scope of its own
  const make = new Function("globalThis", "hasBug", `${script}; return choose;`) as (
    scope: Record<string, unknown>,
    hasBug: () => boolean,
  ) => Choose;
  work(make(scope, () => false));
  return scope["__coverage__"] as BranchCounts;
}

/** Those that count. */
const codesOf = (gaps: readonly Gap[]): string[] =>
  gaps.filter(({ isSeededBug }) => isSeededBug !== true).map(({ code }) => code);

describe("branches", () => {
  test("that nobody took are named by their source", () => {
    const once = counting((choose) => choose(false, []));
    const { gaps, found, hit } = untakenBranches(SOURCE, once);
    expect(codesOf(gaps)).toEqual([
      "never true: if (wanted) return words[0] ?? 0;",
      "words[0] in: if (wanted) return words[0] ?? 0;",
      "2 in: return words.length > 1 ? 2 : 1;",
    ]);
    expect([found, hit]).toEqual([5, 2]);
    expect(codesOf(outermost(gaps))).toEqual([
      "never true: if (wanted) return words[0] ?? 0;",
      "2 in: return words.length > 1 ? 2 : 1;",
    ]);
  });

  test("that were all taken leave no gap; seeded bugs and the defaults of elements count for none", () => {
    const all = counting((choose) => {
      choose(true, [7]);
      choose(false, []);
      choose(false, [1, 2]);
    });
    expect(codesOf(untakenBranches(SOURCE, all).gaps)).toEqual([]);
    expect(uncalledFunctions(SOURCE, all).gaps).toEqual([]);
  });

  test("of a file that no test imported are all untaken, and its functions not called", () => {
    expect(untakenBranches(SOURCE, {}).hit).toBe(0);
    expect(codesOf(uncalledFunctions(SOURCE, {}).gaps)).toEqual([
      "uncalled: export function choose(wanted: boolean, words: readonly number[]): number {",
    ]);
  });
});

describe("lines", () => {
  const lcov = (file: string, counts: string): string =>
    `TN:\nSF:${file}\nFNF:1\nFNH:1\n${counts}LF:5\nLH:3\nend_of_record\n`;

  test("that nobody ran are gaps, but for comments and brackets", () => {
    const counts = "DA:1,1\nDA:2,0\nDA:3,1\nDA:5,0\nDA:6,0\n";
    const { gaps, lines, functions } = unrunLines(SOURCE, lcov(FILE, counts));
    expect(codesOf(gaps)).toEqual(["not run: return words.length > 1 ? 2 : 1;"]);
    expect([lines, functions]).toEqual([
      { found: 3, hit: 2 },
      { found: 1, hit: 1 },
    ]);
  });

  test("that follow one another are one gap", () => {
    const counts = "DA:1,1\nDA:3,0\nDA:4,0\nDA:5,0\n";
    expect(codesOf(unrunLines(SOURCE, lcov(FILE, counts)).gaps)).toEqual([
      "3 lines not run: if (wanted) return words[0] ?? 0;",
    ]);
  });

  test("of a file that no test imported are one gap, unless it holds types alone", () => {
    const other = lcov("src/engine/other.ts", "DA:1,1\n");
    const { gaps, lines } = unrunLines(SOURCE, other);
    expect([codesOf(gaps), lines]).toEqual([["no test imports it"], { found: 5, hit: 0 }]);
    expect(unrunLines({ ...SOURCE, text: "/** A type. */\nexport type A = string;\n" }, other).gaps).toEqual(
      [],
    );
  });
});

describe("a gap", () => {
  const gap = { file: FILE, code: "not run: work();", start: 10, end: 17 };
  const exception = { file: FILE, code: gap.code, reason: "because" };

  test("without an exception is a problem, and with one is none", () => {
    expect(judge([gap], [])).toEqual([`Not covered: ${FILE}: not run: work();`]);
    expect(judge([gap], [exception])).toEqual([]);
  });

  test("that is covered now, or gone, makes its exception a problem", () => {
    expect(judge([], [exception])).toEqual([`Outdated exception, found 0 of 1: ${FILE}: not run: work();`]);
    expect(judge([gap], [{ ...exception, times: 2 }])[0]).toContain("found 1 of 2");
  });

  test("that looks like an excepted one is a problem all the same", () => {
    expect(judge([gap, { ...gap, start: 30, end: 37 }], [exception])[0]).toContain("2 of which 1 excepted");
  });

  test("inside another is not named again", () => {
    const outer = { ...gap, code: "uncalled: f", start: 0, end: 100 };
    expect(outermost([gap, outer, { ...gap, file: "src/other.ts" }])).toEqual([
      outer,
      { ...gap, file: "src/other.ts" },
    ]);
    expect(outermost([gap, { ...gap, code: "the same place" }])).toEqual([gap]);
  });
});

test("the table names folders, and files that are not covered", () => {
  const full = { found: 2, hit: 2 };
  const files = [
    { file: "src/disk/a.ts", lines: full, functions: full, branches: full },
    { file: "src/disk/b.ts", lines: { found: 2, hit: 1 }, functions: full, branches: full },
  ];
  expect(
    table(files)
      .split("\n")
      .map((line) => line.replaceAll(/ +/g, " ")),
  ).toEqual(["src/disk/b.ts 1/2 (50%) 2/2 (100%) 2/2 (100%)", "src/disk 3/4 (75%) 4/4 (100%) 4/4 (100%)"]);
  expect(totalLine(files, { exceptions: 1, problems: 0 })).toBe(
    "lines 3/4 (75%), functions 4/4 (100%), branches 4/4 (100%); 1 exceptions, 0 problems",
  );
});

test("every file of the engine is looked at, whether a test imports it or not", () => {
  const files = coveredSources().map(({ file }) => file);
  expect(files).toContain("src/index.ts");
  expect(files).toContain("src/engine/background-worker.ts");
  expect(files.filter((file) => file.startsWith("src/cli/"))).toEqual([]);
});

describe("the list of exceptions", () => {
  test("is lines under their reason", () => {
    const text =
      "# Nobody can\n# do that.\nsrc/a.ts: not run: a: b\n2 times src/b.ts: 0 in: c ?? 0\n\n# Why\nsrc/a.ts: d\n";
    expect(parseExceptions(text)).toEqual([
      { file: "src/a.ts", code: "not run: a: b", reason: "Nobody can do that.", times: 1 },
      { file: "src/b.ts", code: "0 in: c ?? 0", reason: "Nobody can do that.", times: 2 },
      { file: "src/a.ts", code: "d", reason: "Why", times: 1 },
    ]);
  });

  test("has a reason for each, and nothing else", () => {
    expect(() => parseExceptions("src/a.ts: not run: a\n")).toThrow("has no reason");
    expect(() => parseExceptions("# Why\nsomething\n")).toThrow("Cannot read");
    expect(readExceptions().length).toBeGreaterThan(0);
  });
});
