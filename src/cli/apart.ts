import { realpathSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { absolutePath } from "../disk/absolute-path.ts";
import { kindOf } from "../engine/store-files.ts";
import { UsageError } from "./failures.ts";
import { system } from "./system-error.ts";

/**
 * Refuses to put a new store into the directory of another one, where it would be
 * lost with it, and in the way. `action` is for the message: `back up`. That a path
 * is empty is for the engine to say.
 */
export function refuseInside(directory: string, target: string, action: string): void {
  if (directory === "" || target === "") return;
  const way = relative(realPathOf(directory), realPathOf(target));
  if (way === ".." || way.startsWith("../")) return;
  const reason = way === "" ? "" : `: "${target}" lies in it`;
  throw new UsageError(`Cannot ${action} "${directory}" into itself${reason}`);
}

/** Refuses to write over a file of the store that is read: its log would be gone. */
export function refuseOwnFile(directory: string, path: string): void {
  if (path === "") return;
  const whole = realPathOf(path);
  if (dirname(whole) !== realPathOf(directory) || kindOf(basename(whole)) === "other") return;
  throw new UsageError(`Cannot write "${path}": it belongs to the store`);
}

/** The path without links, also of what is not there yet. */
function realPathOf(path: string): string {
  const whole = system(`open "${path}"`, () => absolutePath(path));
  try {
    return realpathSync(whole);
  } catch {
    return whole === dirname(whole) ? whole : join(realPathOf(dirname(whole)), basename(whole));
  }
}
