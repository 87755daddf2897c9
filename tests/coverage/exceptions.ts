import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Exception } from "./gaps.ts";

/** What no test in the calling thread does, and why: `exceptions.txt`. */
export function readExceptions(): Exception[] {
  return parseExceptions(readFileSync(join(import.meta.dirname, "exceptions.txt"), "utf8"));
}

/**
 * Lines that start with "#" are the reason for the lines that follow; each of those is `file: gap`,
 * as the command prints it, with "2 times " before it where two gaps of a file look like this.
 */
export function parseExceptions(text: string): Exception[] {
  const exceptions: Exception[] = [];
  let reason = "";
  let isReason = false;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    if (line.startsWith("#")) {
      reason = isReason ? `${reason} ${line.slice(1).trim()}` : line.slice(1).trim();
      isReason = true;
      continue;
    }
    isReason = false;
    exceptions.push(parseException(line, reason));
  }
  return exceptions;
}

function parseException(line: string, reason: string): Exception {
  const { times, file, code } =
    /^(?:(?<times>\d+) times )?(?<file>src\/\S+\.ts): (?<code>.+)$/.exec(line)?.groups ?? {};
  if (file === undefined || code === undefined) throw new Error(`Cannot read the exception "${line}"`);
  if (reason === "") throw new Error(`The exception "${line}" has no reason`);
  return { file, code, reason, times: Number(times ?? 1) };
}
