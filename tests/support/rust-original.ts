import { cpSync } from "node:fs";
import { resolve } from "node:path";
import { newStorePath } from "./temporary.ts";

/**
 * A directory as the original kvs, in Rust, leaves it: an older log that ends
 * well, one that ends in the middle of a command, and the empty one it began last.
 */
const FIXTURE: string = resolve(import.meta.dir, "../fixtures/rust-original");

/** What is in it, in the order of the keys. */
export const ORIGINAL_ENTRIES: ReadonlyArray<readonly [string, string]> = [
  ["", "empty key"],
  ["braces", '}}{"Set":{"key":"x"'],
  ["key2", "newer"],
  ["key3", "value3"],
  ['tab\tand "quotes"', "line\nline\\ \u0001\u007f"],
  ["ключ 😀", "値\u2028"],
];

/** A copy of the directory, by default at a path that is removed after the test. */
export function copyOriginal(directory: string = newStorePath()): string {
  cpSync(FIXTURE, directory, { recursive: true });
  return directory;
}
