import { onTestFinished } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const leftForExit: string[] = [];
process.once("exit", () => leftForExit.forEach(remove));

/** A fresh directory, removed after the test that asks for it, or at the end when no test does. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "kvs-test-"));
  try {
    // A hook of this module would serve only the first of the files that import it.
    onTestFinished(() => remove(path));
  } catch {
    leftForExit.push(path);
  }
  return path;
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** A path inside a fresh directory at which there is nothing yet. */
export function newStorePath(): string {
  return join(temporaryDirectory(), "store");
}

/** Does something with a path at which there is nothing yet, and removes what is there then. */
export async function inDirectory<T>(work: (path: string) => T | Promise<T>): Promise<T> {
  const path = mkdtempSync(join(tmpdir(), "kvs-test-"));
  try {
    return await work(join(path, "store"));
  } finally {
    // A compaction that another process has started may be at its end there.
    rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }
}

/** A path at which there is nothing yet; what is there when the process ends is removed. */
export function lastingStorePath(): string {
  const path = mkdtempSync(join(tmpdir(), "kvs-test-"));
  leftForExit.push(path);
  return join(path, "store");
}
