import { type Interval, isInterval } from "../format/header.ts";

/** Names of the files of a store: built here and parsed here, nowhere else. */

/** The file that writers lock. */
export const LOCK_NAME = "LOCK";

/** The file that the one compactor locks. */
export const COMPACT_NAME = "COMPACT";

/** The file that an import under way holds locked, in its directory. */
export const IMPORT_NAME = "IMPORT";

const LOG_SUFFIX = ".log";
const INDEX_SUFFIX = ".idx";
const TEMPORARY_SUFFIX = ".tmp";

/** `7.log` for one generation, `1-6.log` for several merged. */
export function logName(interval: Interval): string {
  return intervalName(interval) + LOG_SUFFIX;
}

/** `7.idx`, `1-6.idx`: the index of the log of the same interval. */
export function indexName(interval: Interval): string {
  return intervalName(interval) + INDEX_SUFFIX;
}

function intervalName({ first, last }: Interval): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

/** The interval a name stands for; undefined for every name `logName` would not build. */
export function parseLogName(name: string): Interval | undefined {
  return parseInterval(name, LOG_SUFFIX);
}

/** The interval an index's name stands for; undefined for every name `indexName` would not build. */
export function parseIndexName(name: string): Interval | undefined {
  return parseInterval(name, INDEX_SUFFIX);
}

/** Whatever else `Number` understands, only one spelling of an interval is ours. */
function parseInterval(name: string, suffix: string): Interval | undefined {
  if (!name.endsWith(suffix)) return undefined;
  const stem = name.slice(0, -suffix.length);
  const [first, last = first] = stem.split("-");
  const interval = { first: Number(first), last: Number(last) };
  return isInterval(interval.first, interval.last) && intervalName(interval) === stem ? interval : undefined;
}

/** What a file is called until it is whole and durable. */
export function temporaryName(name: string): string {
  return name + TEMPORARY_SUFFIX;
}

/** The directory in which an import is prepared that is to be there whole or not at all. */
export function importName(id: string): string {
  return temporaryName(`import-${id}`);
}

/** Whether a name is one that `importName` builds. */
export function isImportName(name: string): boolean {
  // Hardly a store holds one: a command that lists its files is not to wait for the expression to be compiled.
  return name.startsWith("import-") && /^import-[0-9a-f]{16}\.tmp$/.test(name);
}

/** The interval of an unfinished log or index, or undefined for any other name. */
export function parseTemporaryName(name: string): Interval | undefined {
  if (!name.endsWith(TEMPORARY_SUFFIX)) return undefined;
  const finished = name.slice(0, -TEMPORARY_SUFFIX.length);
  return parseLogName(finished) ?? parseIndexName(finished);
}

/** The directory in which a directory's own name stands. */
export function parentOf(directory: string): string {
  return directory.slice(0, directory.lastIndexOf("/")) || "/";
}
