import type { Log } from "./log.ts";

/**
 * So many bytes of logs are mapped by a process that passes through all of them
 * once: pages of a map that were read stay in its memory, and it is to make do with
 * 200 MiB. The other logs are read, record by record, which takes twice as long.
 */
const MOST_MAPPED_BYTES: number = 80 * 1024 * 1024;

/** Has logs mapped up to that many bytes, and the others read. */
export function mapOnlyFew(logs: readonly Log[]): void {
  let mapped = 0;
  for (const log of logs) {
    const bytes = log.size();
    if (mapped + bytes > MOST_MAPPED_BYTES) log.doNotMap();
    else mapped += bytes;
  }
}
