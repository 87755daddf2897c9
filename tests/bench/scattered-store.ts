import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { KvStore, type OpenOptions } from "../../src/index.ts";

/** Writers let the event loop turn after so many writes, as programs do. */
const TICK_WRITES = 1000;

/** Files that stay the same for this long are what automatic compaction leaves. */
const QUIET_MS = 4000;

export const VALUE_BYTES = 100;

export function keyOf(index: number): string {
  return `key${String(index).padStart(12, "0")}`;
}

/** Sets every key once, in an order so scattered that no generation holds a range of them. */
export async function fill(
  path: string,
  keys: number,
  { valueBytes = VALUE_BYTES, ...options }: OpenOptions & { readonly valueBytes?: number } = {},
  onWritten?: (written: number) => void,
): Promise<void> {
  using store = KvStore.open(path, options);
  const value = "v".repeat(valueBytes);
  for (let written = 1; written <= keys; written += 1) {
    store.set(keyOf((written * 7919 + 13) % keys), value);
    if (written % TICK_WRITES === 0) await nextTurn();
    onWritten?.(written);
  }
}

export async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until compaction has caught up: nothing is unfinished, and the files stay the same for a while. */
export async function untilQuiet(path: string): Promise<void> {
  let before = "";
  for (;;) {
    const names = readdirSync(path).toSorted().join(" ");
    if (names === before && !names.includes(".tmp")) return;
    before = names;
    await Bun.sleep(QUIET_MS);
  }
}

/** Size of the logs and indexes of a store, in bytes. */
export function sizeOf(path: string): number {
  const files = readdirSync(path).filter((name) => /\.(?:log|idx)$/.test(name));
  return files.reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
}
