/** Where the compiled program keeps its own sources. */
const COMPILED_ROOT = "/$bunfs/";

/**
 * Starts a compaction that goes on when this process has ended: in a session of
 * its own and with no descriptor of ours, or `$(kvs set ...)` would wait for it.
 */
export function startCompaction(directory: string, { waitMs }: { readonly waitMs: number }): void {
  const program = Bun.main.startsWith(COMPILED_ROOT) ? [process.execPath] : [process.execPath, Bun.main];
  try {
    const child = Bun.spawn(
      [...program, "compact", "--auto", "--quiet", "--dir", directory, "--wait", `${waitMs}ms`],
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
