import { realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { UsageError } from "./failures.ts";

/**
 * Refuses to put a new store into the directory of another one, where it would be
 * lost with it, and in the way. `action` is for the message: `back up`.
 */
export function refuseInside(directory: string, target: string, action: string): void {
  const way = relative(realPathOf(directory), realPathOf(target));
  if (way === ".." || way.startsWith("../")) return;
  const reason = way === "" ? "" : `: "${target}" lies in it`;
  throw new UsageError(`Cannot ${action} "${directory}" into itself${reason}`);
}

/** The path without links, also of what is not there yet. */
function realPathOf(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    return whole === dirname(whole) ? whole : join(realPathOf(dirname(whole)), basename(whole));
  }
}
