import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeHint, type Hint, parseHint } from "../../src/format/hint.ts";
import { KvStore, KvsError } from "../../src/index.ts";
import { fastDisk } from "./hooked-disk.ts";

/** The code of what is thrown, or "none". */
export function codeOf(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    return error instanceof KvsError ? error.code : String(error);
  }
}

/** The same of what a promise rejects with. */
export async function codeOfAsync(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "none";
  } catch (error) {
    return error instanceof KvsError ? error.code : String(error);
  }
}

/** The KvsError that is thrown; any other outcome fails the test. */
export function errorOf(work: () => unknown): KvsError {
  try {
    work();
  } catch (error) {
    if (error instanceof KvsError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown");
}

/** The same of what a promise rejects with. */
export async function errorOfAsync(work: () => Promise<unknown>): Promise<KvsError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof KvsError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown");
}

/** All entries of a store, by a handle of their own. */
export function contentOf(directory: string): [string, string][] {
  using store = KvStore.openOn(fastDisk(), directory, { readOnly: true });
  return [...store.entries()];
}

/** Names of a store's logs. */
export function logsOf(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".log"))
    .toSorted();
}

export function readHint(directory: string): Hint {
  const hint = parseHint(readFileSync(join(directory, "LOCK")));
  if (hint === undefined) throw new Error("LOCK holds no hint");
  return hint;
}

export function changeHint(directory: string, change: Partial<Hint>): void {
  writeFileSync(join(directory, "LOCK"), encodeHint({ ...readHint(directory), ...change }));
}

/** A boot that is not this one. */
export const OTHER_BOOT: string = "ab".repeat(16);

/** Every file's name, bytes, size and time of change. */
export function snapshotOf(
  directory: string,
  options: { readonly except?: string } = {},
): Record<string, unknown> {
  const names = readdirSync(directory)
    .filter((name) => name !== options.except)
    .toSorted();
  return Object.fromEntries(
    names.map((name) => {
      const path = join(directory, name);
      const { size, mtimeNs, ino, mode } = statSync(path, { bigint: true });
      return [name, { size, mtimeNs, ino, mode, hash: Bun.hash(readFileSync(path)) }];
    }),
  );
}
