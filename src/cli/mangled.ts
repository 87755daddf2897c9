import * as fs from "node:fs";
import { decodeUtf8 } from "../format/key.ts";
import { UsageError } from "./failures.ts";

/**
 * Bytes that are not UTF-8 reach a program as U+FFFD, and storing that would
 * store something else. On Linux the raw command line tells them from a U+FFFD
 * that the user typed; elsewhere both are refused.
 */
export function refuseMangledArguments(argv: readonly string[]): void {
  const raw = rawCommandLine();
  const text = raw === undefined ? undefined : decodeUtf8(raw);
  if (text !== undefined && text.endsWith(argv.map((argument) => `${argument}\0`).join(""))) return;
  throw new UsageError(
    "An argument is not UTF-8: give such a key with --key-hex HEX, such a value on standard input with -",
  );
}

function rawCommandLine(): Buffer | undefined {
  try {
    return fs.readFileSync("/proc/self/cmdline");
  } catch {
    return undefined;
  }
}
