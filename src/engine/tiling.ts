import { logName } from "../disk/file-names.ts";
import type { Interval } from "../format/header.ts";
import { hasBug } from "../format/seeded-bugs.ts";

/** What a directory's logs are to each other. */
export interface Tiling<T extends Interval> {
  /** The logs that hold the store, oldest first: their intervals follow one another from 1 on, but for gaps before foreign ones. */
  readonly current: readonly T[];
  /** Logs whose interval lies inside a current one's. */
  readonly superseded: readonly T[];
  /** What is wrong, if anything: a gap, or logs that overlap. */
  readonly problem: string | undefined;
}

/**
 * Finds the intervals that tile the integers from 1. Whether the covering logs are
 * sound is for the caller, who is asked whether one that follows a gap is foreign.
 */
export function tile<T extends Interval>(
  logs: readonly T[],
  isForeign: (log: T) => boolean = () => false,
): Tiling<T> {
  // Where two start alike the longer comes first, and covers the other.
  const ordered = logs.toSorted((a, b) => a.first - b.first || b.last - a.last);
  const current: T[] = [];
  const superseded: T[] = [];
  let problem: string | undefined;
  let covered = 0;
  for (const log of ordered) {
    if (log.last <= covered) {
      superseded.push(log);
      if (hasBug("read logs that a merge has replaced")) current.push(log);
      continue;
    }
    const follows = log.first === covered + 1 || (log.first > covered && isForeign(log));
    if (!follows) problem ??= problemBetween(covered, log);
    current.push(log);
    covered = log.last;
  }
  return { current, superseded, problem };
}

function problemBetween(covered: number, log: Interval): string {
  if (log.first <= covered) return `"${logName(log)}" overlaps the log before it`;
  const missing = { first: covered + 1, last: log.first - 1 };
  return `"${logName(missing)}" is missing before "${logName(log)}"`;
}
