import { resolve } from "node:path";
import type { OpenOptions } from "../../src/index.ts";

const SCRIPT: string = resolve(import.meta.dirname, "writer-process.ts");

type Job =
  | readonly ["count", directory: string, times: string]
  | readonly ["write", directory: string, name: string, seed: string]
  | readonly ["fill" | "compact" | "read", directory: string]
  | readonly ["exit" | "throw" | "update", directory: string];

/** Starts a process that does a job of `writer-process.ts`; `around` is put in front of the command. */
export function startJob(
  job: Job,
  options: OpenOptions = {},
  around: readonly string[] = [],
): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  return Bun.spawn([...around, process.execPath, SCRIPT, ...job, JSON.stringify(options)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Lets a process end; what it printed, and its exit code. */
export async function endOf(
  child: Bun.Subprocess<"ignore", "pipe", "pipe">,
): Promise<{ readonly lines: string[]; readonly stderr: string; readonly code: number }> {
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { lines: stdout.split("\n").filter((line) => line !== ""), stderr, code };
}
