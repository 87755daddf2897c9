import * as fs from "node:fs";
import type { Settings } from "./settings.ts";

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;

/** Whether a descriptor is a terminal. Loads node:tty, 5 ms at start, only for what may be one. */
export async function isTerminal(fd: number): Promise<boolean> {
  if (!mayBeTerminal(fd)) return false;
  const { isatty } = await import("node:tty");
  return isatty(fd);
}

/** Whether a descriptor gets colours. */
export async function hasColor(fd: number, settings: Pick<Settings, "noColor">): Promise<boolean> {
  const { NO_COLOR, TERM } = process.env;
  const refused = settings.noColor || TERM === "dumb" || (NO_COLOR !== undefined && NO_COLOR !== "");
  return !refused && (await isTerminal(fd));
}

function mayBeTerminal(fd: number): boolean {
  try {
    const stat = fs.fstatSync(fd);
    return stat.isCharacterDevice() && stat.rdev !== fs.statSync("/dev/null").rdev;
  } catch {
    return false;
  }
}
