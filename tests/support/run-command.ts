import type { Command } from "./session.ts";

/** How a run of a command ended. */
export interface Answer {
  /** Null for a process that was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, or kills it. */
export async function answerOf(
  { argv, env }: Command,
  { killAfterMs }: { readonly killAfterMs?: number } = {},
): Promise<Answer> {
  const child = Bun.spawn([...argv], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  clearTimeout(timer);
  return { code: child.exitCode, stdout, stderr };
}

/** One line or more that tell what failed. */
export function isMessage(stderr: string): boolean {
  return /^(?:kvs: [^\n]+\n)+$/.test(stderr);
}
