import { type Interval, isInterval } from "../format/header.ts";

/** Names of the files of a store: built here and parsed here, nowhere else. */

/** The file that writers lock. */
export const LOCK_NAME = "LOCK";

/** The file that the one compactor locks. */
export const COMPACT_NAME = "COMPACT";

const LOG_SUFFIX = ".log";
const TEMPORARY_SUFFIX = ".tmp";

/** `7.log` for one generation, `1-6.log` for several merged. */
export function logName({ first, last }: Interval): string {
  return (first === last ? `${first}` : `${first}-${last}`) + LOG_SUFFIX;
}

/** The interval a name stands for; undefined for every name `logName` would not build. */
export function parseLogName(name: string): Interval | undefined {
  if (!name.endsWith(LOG_SUFFIX)) return undefined;
  const [first, last = first] = name.slice(0, -LOG_SUFFIX.length).split("-");
  return canonical(name, { first: Number(first), last: Number(last) });
}

/** Whatever else `Number` understands, only one spelling of an interval is ours. */
function canonical(name: string, interval: Interval): Interval | undefined {
  return isInterval(interval.first, interval.last) && logName(interval) === name ? interval : undefined;
}

/** What a file is called until it is whole and durable. */
export function temporaryName(name: string): string {
  return name + TEMPORARY_SUFFIX;
}

/** The interval of an unfinished log, or undefined for any other name. */
export function parseTemporaryLogName(name: string): Interval | undefined {
  return name.endsWith(TEMPORARY_SUFFIX) ? parseLogName(name.slice(0, -TEMPORARY_SUFFIX.length)) : undefined;
}
