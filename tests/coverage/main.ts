/**
 * `bun tests/coverage/main.ts` runs the tests that exercise the engine in their
 * own thread, twice: `bun test --coverage` counts lines and functions, and code
 * instrumented by istanbul counts branches. All must be covered, but for what
 * `exceptions.txt` lists, each with its reason; what it lists must be uncovered.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type BranchCounts, uncalledFunctions, untakenBranches } from "./branches.ts";
import { readExceptions } from "./exceptions.ts";
import { type Gap, judge, outermost } from "./gaps.ts";
import { unrunLines } from "./lines.ts";
import { coveredSources, type Source } from "./sources.ts";
import { type Figures, table, totalLine } from "./table.ts";

/** Tests of other processes and random ones, which add nothing here, or not the same every time. */
const LEFT_OUT: RegExp =
  /crash\/(?:power-cut|errors|kills|traces|system-calls|full-disk|fuzz|linearizability|locks|hostile-directories|seeded-bugs|crash-points|bytes)|engine\/random/;
const TESTS = [
  "{engine,format,disk,crash,fixtures}/*.test.ts",
  "model/named-histories.test.ts",
  "coverage/campaigns.ts",
] as const;

const TESTS_DIRECTORY: string = resolve(import.meta.dirname, "..");

process.chdir(resolve(TESTS_DIRECTORY, ".."));
const directory = mkdtempSync(join(tmpdir(), "kvs-coverage-"));
try {
  await run();
} finally {
  rmSync(directory, { recursive: true });
}

async function run(): Promise<void> {
  const countsPath = join(directory, "branches.json");
  const preload = join(import.meta.dirname, "preload.ts");
  await Promise.all([
    runTests(["--preload", preload], { KVS_BRANCH_COUNTS: countsPath }),
    runTests(["--coverage", "--coverage-reporter=lcov", `--coverage-dir=${directory}`]),
  ]);
  const counts = JSON.parse(readFileSync(countsPath, "utf8")) as BranchCounts;
  const lcov = readFileSync(join(directory, "lcov.info"), "utf8");

  const exceptions = readExceptions();
  const files = coveredSources().map((source) => examine(source, counts, lcov));
  const problems = judge(
    files.flatMap(({ gaps }) => gaps),
    exceptions,
  );
  const figures = files.map(({ figures: those }) => those);
  console.log(table(figures));
  for (const problem of problems) console.log(problem);
  console.log(totalLine(figures, { exceptions: exceptions.length, problems: problems.length }));
  process.exitCode = problems.length === 0 ? 0 : 1;
}

/** Runs the tests once; what failed there would be covered in vain. */
async function runTests(args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const tests = TESTS.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(TESTS_DIRECTORY)].toSorted());
  const files = tests.filter((test) => !LEFT_OUT.test(test)).map((test) => `./tests/${test}`);
  const child = Bun.spawn([process.execPath, "test", "--timeout=60000", ...args, ...files], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: { ...process.env, ...env, CI: "true", KVS_SEED: "1" },
  });
  const [output, code] = await Promise.all([child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`The tests failed:\n${output}`);
}

function examine(
  source: Source,
  counts: BranchCounts,
  lcov: string,
): { readonly gaps: readonly Gap[]; readonly figures: Figures } {
  const branches = untakenBranches(source, counts);
  const functions = uncalledFunctions(source, counts);
  const lines = unrunLines(source, lcov);
  return {
    gaps: outermost([...functions.gaps, ...branches.gaps, ...lines.gaps]).filter(
      ({ isSeededBug }) => isSeededBug !== true,
    ),
    figures: { file: source.file, lines: lines.lines, functions: lines.functions, branches },
  };
}
