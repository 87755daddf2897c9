import type { AppendableFile } from "../disk/disk.ts";
import { logName, parentOf, parseTemporaryName, temporaryName } from "../disk/file-names.ts";
import type { LogFormat } from "../format/codec.ts";
import { evenAfter, type Hint, nextLayout, UNKNOWN_BOOT } from "../format/hint.ts";
import { newCounter, newLayout, newLogId, newStoreId } from "./identifiers.ts";
import type { Log } from "./log.ts";
import { finishMerge, mergeLogs } from "./merge.ts";
import { runToEnd } from "./slices.ts";
import { createLog, createSuccessor, generationAfter, openAppender } from "./new-log.ts";
import type { WriterContext } from "./writer-context.ts";

/** Makes a file durable, and sees to it that a failure is never passed over. */
export type SyncFile = (file: AppendableFile) => void;

/**
 * What the first writer does that finds a store other than the hint says: after
 * a crash, a power cut, or the loss of LOCK. Runs under the write lock, and may
 * itself be cut short anywhere. Returns the hint that describes the store now.
 */
export function recover(context: WriterContext, syncFile: SyncFile, format: LogFormat): Hint {
  // Another writer may have died right after it put a log in place, unannounced:
  // only a fresh listing shows what is there to build on.
  const hint = context.generations.reload();
  removeUnfinishedLogs(context);
  const existing = context.generations.newest;
  if (existing === undefined) return describe(createStore(context, format), hint, { tornTails: 0 });
  context.generations.checkNewest();
  // A copy that was made and not announced any more need not be made again.
  const copied = hint !== undefined && existing.header.inputs.includes(hint.logId);
  if (hint !== undefined && !copied && mayLie(context, hint)) copyNewest(context, existing);
  const newest = context.generations.newest ?? existing;
  const tornTails = newest.sealed ? 0 : cutTornTail(context, newest, syncFile);
  if (newest.sealed || hint?.logId !== newest.header.logId || hint.syncedBytes < newest.headerBytes) {
    makeDurable(context, newest, syncFile);
  }
  return describe(newest.sealed ? addSuccessor(context, newest) : newest, hint, { tornTails });

  function describe(log: Log, old: Hint | undefined, found: { readonly tornTails: number }): Hint {
    const same = old?.logId === log.header.logId;
    return {
      counter: old === undefined ? newCounter() : evenAfter(old.counter),
      logId: log.header.logId,
      generation: log.last,
      writtenBytes: log.end,
      syncedBytes: same ? Math.min(old.syncedBytes, log.end) : log.end,
      tailDigest: log.contentDigest,
      bootId: context.disk.bootId(),
      suspect: false,
      tornTailsCut: (old?.tornTailsCut ?? 0) + found.tornTails,
      layout: old === undefined ? newLayout() : nextLayout(old.layout),
    };
  }
}

/** Creates the first log of a store, its directory's name made durable as well. */
function createStore(context: WriterContext, format: LogFormat): Log {
  const { disk, directory, generations } = context;
  const header = { storeId: newStoreId(), logId: newLogId(), first: 1, last: 1, inputs: [] };
  const log = createLog(context, format, header);
  generations.push(log);
  disk.syncDirectory(parentOf(directory));
  return log;
}

function addSuccessor(context: WriterContext, sealed: Log): Log {
  const log = createSuccessor(context, sealed, sealed.codec.format);
  context.generations.push(log);
  return log;
}

/** Only writers make logs of single generations, and copies past the newest log: unfinished ones were left by one that died. */
function removeUnfinishedLogs({ disk, directory, generations }: WriterContext): void {
  const newest = generations.newest?.last ?? 0;
  for (const name of disk.list(directory) ?? []) {
    const interval = parseTemporaryName(name);
    if (interval === undefined) continue;
    const isSingle = name === temporaryName(logName(interval)) && interval.first === interval.last;
    if (isSingle || interval.last > newest) disk.unlink(`${directory}/${name}`);
  }
}

/** Removes what a writer left unfinished at the end of the newest log; the number of torn tails. */
function cutTornTail({ disk }: WriterContext, log: Log, syncFile: SyncFile): number {
  log.catchUp();
  if (log.sealed || log.size() <= log.end) return 0;
  const appender = openAppender(disk, log);
  try {
    appender.truncate(log.end);
    // Durable before anything is appended behind it: else old and new bytes could mix.
    syncFile(appender);
  } finally {
    appender.close();
  }
  log.catchUp();
  return 1;
}

/** Nothing is built on a step of another process that may not be on the disk. */
function makeDurable({ disk, directory }: WriterContext, log: Log, syncFile: SyncFile): void {
  // What a backup holds may be linked to the logs it was made from: nothing is appended to a sealed one.
  const appender = openAppender(disk, log, { onlyToSync: log.sealed });
  try {
    syncFile(appender);
  } finally {
    appender.close();
  }
  disk.syncDirectory(directory);
  disk.syncDirectory(parentOf(directory));
}

/** In the boot in which a sync failed, the newest log may read back well and still not be on the disk. */
function mayLie({ disk }: WriterContext, hint: Hint): boolean {
  const bootId = disk.bootId();
  return hint.suspect && (hint.bootId === bootId || bootId === UNKNOWN_BOOT);
}

/** Writes the newest log's records to a new file, which takes its place. */
function copyNewest(context: WriterContext, log: Log): void {
  const { disk, directory, generations, bloomBitsPerKey } = context;
  log.catchUp();
  const interval = { first: log.first, last: generationAfter(log) };
  const { format } = log.codec;
  const merge = {
    disk,
    directory,
    storeId: log.header.storeId,
    inputs: [log],
    older: [],
    interval,
    format,
    now: Date.now(),
    bloomBitsPerKey,
  };
  finishMerge(disk, directory, runToEnd(mergeLogs(merge)));
  disk.syncDirectory(directory);
  generations.reload();
}
