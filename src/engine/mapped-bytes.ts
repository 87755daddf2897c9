import type { Log } from "./log.ts";

/**
 * So many bytes of logs are mapped by a process that passes through all of them
 * once: pages of a map that were read stay in its memory, and it is to make do with
 * 200 MiB.
 */
const MOST_MAPPED_BYTES: number = 80 * 1024 * 1024;

/** Where they are more, so much of what comes next is read ahead, of all logs together. */
const AHEAD_BYTES: number = 48 * 1024 * 1024;

/** Has logs mapped, if they are not more than that; else read, many records at once in the order in which they stand. */
export function mapIfFew(logs: readonly Log[], mostBytes: number = MOST_MAPPED_BYTES): void {
  const bytes = logs.reduce((sum, log) => sum + log.size(), 0);
  if (bytes <= mostBytes) return;
  for (const log of logs) log.readFarAhead(Math.floor(AHEAD_BYTES / logs.length));
}
