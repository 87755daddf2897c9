import { describe } from "./descriptor.ts";
import type { Settings } from "./settings.ts";

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;

/** Whether a descriptor is a terminal. Loads node:tty, 5 ms at start, only for what may be one. */
export async function isTerminal(fd: number): Promise<boolean> {
  if (!describe(fd).mayBeTerminal) return false;
  const { isatty } = await import("node:tty");
  return isatty(fd);
}

/** Whether a descriptor gets colours. */
export async function hasColor(fd: number, settings: Pick<Settings, "noColor">): Promise<boolean> {
  const { NO_COLOR, TERM } = process.env;
  const refused = settings.noColor || TERM === "dumb" || (NO_COLOR !== undefined && NO_COLOR !== "");
  return !refused && (await isTerminal(fd));
}
