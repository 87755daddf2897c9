import { resolve } from "node:path";
import { parseSummary } from "../gate/summary.ts";
import { SEEDED_BUGS, type SeededBug } from "./bug-table.ts";
import type { Campaign, Outcome } from "./campaign.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const BUGS = Object.entries(SEEDED_BUGS);
const TIMEOUT_MS = 60_000;

/** How one test ended, having run alone; if it has not, what was said instead. */
type End = "passed" | "failed" | `did not end: ${string}`;

/** The last words of a run, for a message. */
const SHOWN_CHARACTERS = 500;

/** Breaks the engine in one way after the other: the test that is named for it fails, and passes without. */
export const seededBugs: Campaign = {
  name: "seeded-bugs",
  test: 16,
  shows:
    "that the tests would notice: each deliberate breakage of the engine fails the test that is named for it",
  unit: "bugs",
  runs: BUGS.length,
  full: BUGS.length,
  run: async (seed) => {
    const bug = BUGS[seed];
    return bug === undefined ? { cases: 0, failures: [] } : tryBug(...bug);
  },
};

async function tryBug(name: string, bug: SeededBug): Promise<Outcome> {
  const failures: string[] = [];
  const sound = await run(bug, {});
  if (sound !== "passed") failures.push(`"${bug.test}" ${sound} without a bug`);
  const broken = await run(bug, { bug: name });
  if (broken !== "failed") failures.push(`"${bug.test}" ${broken} though the engine was made to ${name}`);
  return { cases: 1, failures };
}

/** Runs one test in a process of its own. */
async function run({ file, test }: SeededBug, { bug }: { readonly bug?: string }): Promise<End> {
  const broken = bug === undefined ? [] : ["--preload", "./tests/support/seed-bug.ts"];
  const pattern = `^${RegExp.escape(test)}$`;
  const child = Bun.spawn(
    [process.execPath, "test", `--timeout=${TIMEOUT_MS}`, ...broken, `./${file}`, "-t", pattern],
    {
      cwd: ROOT,
      env: { ...process.env, ...(bug === undefined ? {} : { KVS_SEEDED_BUG: bug }) },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    },
  );
  const [output, code] = await Promise.all([child.stderr.text(), child.exited]);
  const { passed, failed } = parseSummary(output) ?? { passed: 0, failed: 0 };
  if (code === 0 && passed === 1 && failed === 0) return "passed";
  if (code === 1 && passed === 0 && failed === 1 && !output.includes("timed out")) return "failed";
  return `did not end: ${output.slice(-SHOWN_CHARACTERS)}`;
}
