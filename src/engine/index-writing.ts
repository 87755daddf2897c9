import type { Disk } from "../disk/disk.ts";
import { indexName, temporaryName } from "../disk/file-names.ts";
import { systemCode } from "../disk/io-error.ts";
import { KvsError } from "../format/errors.ts";
import type { IndexSummary } from "../format/index-file.ts";
import { contentStampOf } from "./content-stamp.ts";
import { IndexBuilder } from "./index-builder.ts";
import { IndexTally } from "./index-tally.ts";
import type { Log } from "./log.ts";

/** Records are looked at in portions, so that others get their turn. */
const PORTION = 1024;

/** A log up to this size stays in memory while it is indexed: its records are looked at in the order of their keys. */
const KEPT_BYTES: number = 192 * 1024 * 1024;

export interface IndexPlace {
  readonly disk: Disk;
  readonly directory: string;
  readonly bloomBitsPerKey: number;
}

/**
 * Makes the index of a sealed log from the log itself, and puts it in place. Only
 * one process does so at a time: the one that holds COMPACT's lock. A log that
 * does not verify gets none, and is damage. Yields between pieces of work.
 */
export function* indexLog(place: IndexPlace, log: Log, older: readonly Log[]): Generator<void> {
  const memory = log.loadMemory(KEPT_BYTES);
  yield;
  const sorted = memory.sortedEntries();
  const builder = new IndexBuilder(sorted.length);
  const tally = new IndexTally(older, sorted.length);
  for (let index = 0; index < sorted.length; index += 1) {
    const entry = sorted[index] ?? 0;
    const position = memory.positionOf(entry);
    const length = memory.lengthOf(entry);
    const hash = memory.hashOf(entry);
    builder.add(position, length, hash);
    tally.add(log.glanceAt(position, length), length, hash);
    if ((index + 1) % PORTION === 0) yield;
  }
  const { records } = log.tally;
  const { entries } = builder;
  const logBytes = log.size();
  const content = log.codec.hasChecksums ? NO_STAMP : contentStampOf(log);
  const { logId } = log.header;
  const { recordBytes } = log;
  const summary = tally.summary({ logId, logBytes, content, records, entries, recordBytes });
  log.forgetBytes();
  yield* writeIndex(place, log, builder, summary);
  publishIndex(place, log);
}

/** Stands in the index of a log whose records have checksums of their own. */
export const NO_STAMP = { digest: 0, inode: 0, modified: 0 } as const;

/** Writes an index under its temporary name, and makes it durable. */
export function* writeIndex(
  { disk, directory, bloomBitsPerKey }: IndexPlace,
  log: { readonly first: number; readonly last: number },
  builder: IndexBuilder,
  summary: IndexSummary,
): Generator<void> {
  const path = `${directory}/${temporaryName(indexName(log))}`;
  const file = disk.create(path);
  let finished = false;
  try {
    yield* builder.write(file, summary, bloomBitsPerKey);
    file.sync();
    finished = true;
  } finally {
    file.close();
    if (!finished) disk.unlink(path);
  }
}

/** Whether an index cannot be written because a directory has its name, or that of the unfinished one. */
export function isBlocked(error: unknown): boolean {
  return error instanceof KvsError && systemCode(error.cause) === "EISDIR";
}

/** Gives a finished index its name. That it may not be durable does no harm: an index can be missing. */
export function publishIndex(
  { disk, directory }: Pick<IndexPlace, "disk" | "directory">,
  log: { readonly first: number; readonly last: number },
): void {
  const path = `${directory}/${indexName(log)}`;
  try {
    disk.rename(temporaryName(path), path);
  } catch (error) {
    if (isBlocked(error)) disk.unlink(temporaryName(path));
    throw error;
  }
}
