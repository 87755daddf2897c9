/** Where the compiled program keeps its own sources. */
const COMPILED_ROOT = "/$bunfs/";

interface Wait {
  readonly waitMs: number;
}

/**
 * Starts a compaction that goes on when this process has ended: in a session of
 * its own and with no descriptor of ours, or `$(kvs set ...)` would wait for it.
 */
export function startCompaction(directory: string, wait: Wait): void {
  start(directory, wait, []);
}

/** Starts a process that makes the indexes a store lacks, and ends at once where somebody is at it. */
export function startIndexing(directory: string, wait: Wait): void {
  start(directory, wait, ["--no-auto-compact"]);
}

function start(directory: string, { waitMs }: Wait, flags: readonly string[]): void {
  const program = Bun.main.startsWith(COMPILED_ROOT) ? [process.execPath] : [process.execPath, Bun.main];
  try {
    const child = Bun.spawn(
      [...program, "compact", "--auto", ...flags, "--quiet", "--dir", directory, "--wait", `${waitMs}ms`],
      {
        cwd: "/",
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
        detached: true,
      },
    );
    child.unref();
  } catch {
    // The write is done and answered; the next one that seals a log tries again.
  }
}
