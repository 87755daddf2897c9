import { afterEach } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const created: string[] = [];

afterEach(() => {
  for (const path of created.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** A fresh directory, removed after the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "kvs-test-"));
  created.push(path);
  return path;
}

/** A path inside a fresh directory at which there is nothing yet. */
export function newStorePath(): string {
  return join(temporaryDirectory(), "store");
}
