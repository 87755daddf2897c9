/**
 * Everything that must hold before a commit: `bun tests/gate/run.ts` runs the
 * static checks, the build and the tests, and ends with "N passed, N failed", and ", N skipped" if tests could not run here.
 * A failed check counts as one failure; tests run only on a fresh build.
 */
import { resolve } from "node:path";
import { parseSummary, type Summary, summaryLine } from "./summary.ts";

interface Check {
  readonly name: string;
  /** Arguments of bun. */
  readonly command: readonly string[];
}

const CHECKS: readonly Check[] = [
  { name: "format", command: ["fmt", "--no-script", "--check"] },
  { name: "lint", command: ["run", "--bun", "--silent", "lint"] },
  { name: "types", command: ["check", "--no-script"] },
  { name: "unused code", command: ["run", "--bun", "--silent", "unused"] },
];
const BUILD: Check = { name: "build", command: ["run", "--silent", "build"] };

const NOTHING_PROVEN: Summary = { passed: 0, failed: 1, skipped: 0 };

/** Longest time of one test. Those that trace or kill processes take seconds on a slow disk. */
const TEST_TIMEOUT_MS = 30_000;

process.chdir(resolve(import.meta.dirname, "../.."));

let failedChecks = 0;
for (const check of CHECKS) {
  if (!(await passes(check))) failedChecks++;
}
const tests = (await passes(BUILD)) ? await runTests() : NOTHING_PROVEN;

const failed = failedChecks + tests.failed;
console.log(summaryLine({ ...tests, failed }));
process.exitCode = failed === 0 ? 0 : 1;

/** Runs one check; its output is shown only if it fails. */
async function passes({ name, command }: Check): Promise<boolean> {
  const start = performance.now();
  const child = Bun.spawn([process.execPath, ...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${name}: ${code === 0 ? "ok" : "FAILED"} (${seconds} s)`);
  if (code !== 0) console.log(`${stdout}${stderr}`);
  return code === 0;
}

/** Runs every test and shows the output as it comes. A run that proves nothing counts as one failure. */
async function runTests(): Promise<Summary> {
  const child = Bun.spawn([process.execPath, "test", `--timeout=${TEST_TIMEOUT_MS}`], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "pipe",
    // Makes a forgotten `test.only` and an unwritten snapshot errors.
    env: { ...process.env, CI: "true" },
  });
  let output = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stderr) {
    output += decoder.decode(chunk, { stream: true });
    await Bun.write(Bun.stderr, chunk);
  }
  const code = await child.exited;

  const summary = parseSummary(output);
  if (summary === undefined) {
    console.log(`The tests ended early: no summary, exit code ${code}`);
    return NOTHING_PROVEN;
  }
  if (summary.passed + summary.failed === 0) console.log("No test ran");
  const proven = code === 0 && summary.passed > 0;
  return proven ? summary : { ...summary, failed: Math.max(summary.failed, 1) };
}
