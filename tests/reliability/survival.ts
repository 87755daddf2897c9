import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { KvStore, KvsError, type OpenOptions, verifyStore } from "../../src/index.ts";
import { inDirectory } from "../support/temporary.ts";
import { type Entry, type History, textOf } from "./history.ts";

/** What a store may hold: the content after some number of writes, from `least` to `most`. */
export interface Expected {
  readonly history: History;
  readonly least: number;
  readonly most: number;
}

/**
 * Looks whether a store that processes have left keeps the invariants: it is
 * read, verified, copied without what can be made anew, written to and compacted.
 * Returns how many writes are there; throws what is wrong.
 */
export async function survives(path: string, expected: Expected, options: OpenOptions = {}): Promise<number> {
  const { history } = expected;
  const before = changesOf(path);
  const count = writesIn(path, expected, options);
  const text = history.textAt(count, 0);
  requireSame("reading has changed files", changesOf(path), before);
  await requireSound(path, "as it was left");
  await inDirectory((copy) => {
    copyLogs(path, copy);
    requireSame("only from its logs", readText(copy, options), text);
  });
  await goOn(path, options, text);
  requireSame("reopened", readText(path, options), text);
  await requireSound(path, "after a compaction");
  return count;
}

/** The whole content, as text; of no store that of an empty one. */
export function readText(path: string, options: OpenOptions = {}): string {
  try {
    using store = KvStore.open(path, { ...options, readOnly: true });
    return textOf(entriesOf(store));
  } catch (error) {
    if (error instanceof KvsError && error.code === "NO_STORE") return textOf([]);
    throw error;
  }
}

/** Verifies every byte of a store. */
export async function requireSound(path: string, when: string): Promise<void> {
  const { damage, strangers } = await verifyStore(path).catch((error: unknown) => {
    if (error instanceof KvsError && error.code === "NO_STORE") return { damage: [], strangers: [] };
    throw error;
  });
  requireSame(`${when}: damage`, JSON.stringify(damage), "[]");
  requireSame(`${when}: strangers`, JSON.stringify(strangers), "[]");
}

/** How many writes are there; throws where they are too few, too many, or not the first ones. */
export function writesIn(path: string, { history, least, most }: Expected, options: OpenOptions): number {
  const text = readText(path, options);
  for (let count = most; count >= least; count -= 1) if (history.textAt(count, 0) === text) return count;
  for (let count = 0; count <= history.length; count += 1) {
    if (history.textAt(count, 0) === text)
      throw new Error(`it holds ${count} writes, expected ${least} to ${most}`);
  }
  throw new Error(`it holds ${text}, which it never did; after ${most}: ${history.textAt(most, 0)}`);
}

async function goOn(path: string, options: OpenOptions, text: string): Promise<void> {
  using store = KvStore.open(path, options);
  store.set("zz-probe", "1");
  store.remove("zz-probe");
  requireSame("after a write", textOf(entriesOf(store)), text);
  await store.compact();
  requireSame("after a compaction", textOf(entriesOf(store)), text);
  store.close();
  requireSame(
    "unfinished files",
    namesIn(path)
      .filter((name) => name.endsWith(".tmp"))
      .join(),
    "",
  );
}

function* entriesOf(store: KvStore): Generator<[string, Entry]> {
  for (const [key, value] of store.entries()) yield [key, { value, expiresAt: 0 }];
}

function copyLogs(path: string, copy: string): void {
  mkdirSync(copy, { recursive: true });
  for (const name of namesIn(path)) {
    if (name.endsWith(".log")) copyFileSync(join(path, name), join(copy, name));
  }
}

/** Names, sizes and times of change of all files. */
function changesOf(path: string): string {
  const changes = namesIn(path).map((name) => {
    const { size, mtimeNs } = statSync(join(path, name), { bigint: true });
    return `${name} ${size} ${mtimeNs}`;
  });
  return changes.join("\n");
}

/** Names of a directory that may not be there yet. */
function namesIn(path: string): string[] {
  return existsSync(path) ? readdirSync(path).toSorted() : [];
}

function requireSame(what: string, found: string, expected: string): void {
  if (found !== expected) throw new Error(`${what}: found ${found}, expected ${expected}`);
}
