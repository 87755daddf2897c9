import { indexName, logName, parseIndexName, parseLogName, parseTemporaryName } from "../disk/file-names.ts";
import type { Interval } from "../format/header.ts";
import { nextLayout } from "../format/hint.ts";
import { hasBug } from "../format/seeded-bugs.ts";
import { Log } from "./log.ts";
import type { LogOptions } from "./log-options.ts";
import { discardMerge, finishMerge, type Merge, type MergedLog, mergeLogs } from "./merge.ts";
import type { Writer } from "./writer.ts";
import type { WriterContext } from "./writer-context.ts";

/** Inputs that are not sorted and cannot be mapped are read into memory, as long as all of them together are not larger than this. */
const INPUT_MEMORY_BYTES: number = 130 * 1024 * 1024;

/** Sorted inputs are read in pieces of this size. */
const READ_AHEAD_BYTES: number = 1024 * 1024;

/** For reading logs for the compaction alone: not mapped unread, as a bad sector is an error then, and no signal. */
const READ_ONCE: LogOptions = { map: false, tailBytes: READ_AHEAD_BYTES };

/** What a compaction did. */
export interface CompactionResult {
  /** Size in bytes of the logs that were merged, and of what replaced them; 0 if there was nothing to do. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** How many generations became one; 0 if there was nothing to do. */
  readonly generationsMerged: number;
}

export interface CompactionContext extends WriterContext {
  readonly writer: Writer;
  /** Told how much of the work is done, from 0 to 1. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

export const NOTHING_TO_DO: CompactionResult = { bytesBefore: 0, bytesAfter: 0, generationsMerged: 0 };

/**
 * Merges neighbouring sealed generations into one, the compaction lock held.
 * Readers and writers go on meanwhile: the write lock is taken only to publish.
 * Undefined if the inputs are not there any more.
 *
 * Whatever step it dies at, the store is whole: before the rename the output is
 * a temporary file, after it the inputs are superseded.
 */
export function* mergeGenerations(
  context: CompactionContext,
  intervals: readonly Interval[],
): Generator<void, CompactionResult | undefined> {
  const { disk, directory, generations, bloomBitsPerKey } = context;
  const first = intervals[0]?.first ?? 1;
  const below = generations.logs.filter((log) => log.last < first);
  const opened = holdAll(context, [...below, ...intervals]);
  if (opened === undefined) return undefined;
  try {
    const older = opened.slice(0, below.length);
    const inputs = opened.slice(below.length);
    yield* prepareInputs(inputs, context);
    const bytesBefore = inputs.reduce((sum, input) => sum + input.size(), 0);
    // The first merge of a foreign store closes the gaps among its logs, the one before the oldest as well.
    const interval = { first: inputs[0]?.isForeign === true ? 1 : first, last: inputs.at(-1)?.last ?? first };
    const { format, storeId } = destinationOf(context);
    const merge = {
      disk,
      directory,
      storeId,
      inputs,
      older,
      interval,
      format,
      bloomBitsPerKey,
      now: Date.now(),
    };
    const onWritten = (bytes: number): void => context.onProgress?.(Math.min(1, bytes / bytesBefore));
    const merged = yield* mergeLogs({ ...merge, onWritten });
    if (!publishMerge(context, merged)) return undefined;
    removeSuperseded(context);
    return { bytesBefore, bytesAfter: merged.bytes, generationsMerged: inputs.length };
  } finally {
    // The inputs were removed: the system frees what they held when they are closed, which takes long.
    for (const log of opened) log.releaseInBackground();
  }
}

/** What a merge's output has from the log that is written to. */
function destinationOf({ generations }: CompactionContext): Pick<Merge, "format" | "storeId"> {
  const { newest } = generations;
  if (newest === undefined) throw new Error("A store whose logs are merged has a newest one");
  return { format: newest.codec.format, storeId: newest.header.storeId };
}

/** Removes what a compactor that died has left: its unfinished output, inputs that were replaced, indexes without a log. */
export function removeLeftovers(context: CompactionContext): void {
  const { disk, directory, generations } = context;
  // Removals that a compactor before us has not made durable are, before more is built on them.
  disk.syncDirectory(directory);
  generations.reload();
  const names = disk.list(directory) ?? [];
  const newest = generations.newest?.last ?? 0;
  const logs = new Set(names.filter((name) => parseLogName(name) !== undefined));
  for (const name of names) {
    const index = parseIndexName(name);
    const isStray = index !== undefined && !logs.has(logName(index));
    if (isStray || isUnfinished(name, newest)) disk.unlink(`${directory}/${name}`);
  }
  if (generations.superseded.length === 0) return;
  // Somebody else wrote what replaces others: it is read to its end before they go.
  for (const log of generations.logs) if (log.header.inputs.length > 0) verify(context, log);
  removeSuperseded(context);
}

/** Merges leave temporary files of several generations or up to the newest; a writer's reach past it. */
function isUnfinished(name: string, newest: number): boolean {
  const interval = parseTemporaryName(name);
  if (interval === undefined) return false;
  const isIndex = name.startsWith(indexName(interval));
  return interval.last <= newest && (isIndex || interval.first !== interval.last);
}

/** Takes hold of logs, as many times as they are named; undefined if one is not there any more. */
function holdAll(context: CompactionContext, intervals: readonly Interval[]): Log[] | undefined {
  const held: Log[] = [];
  let complete = false;
  try {
    for (const interval of intervals) {
      const log = hold(context, interval);
      if (log === undefined) return undefined;
      held.push(log);
    }
    complete = true;
    return held;
  } finally {
    if (!complete) for (const log of held) log.release();
  }
}

/**
 * Opens a log for the compaction alone, unless this handle has all its records noted for want of an index: to read and
 * verify them once more would take as long as the merge itself.
 */
function hold(
  { disk, directory, generations, mmap }: CompactionContext,
  interval: Interval,
): Log | undefined {
  const known = generations.logs.find(
    ({ first, last }) => first === interval.first && last === interval.last,
  );
  const isNoted = known !== undefined && known.sealed && known.summary === undefined;
  // A sorted one is read ahead, and one that is not mapped is read into memory: others read it otherwise.
  if (!mmap || !isNoted || known.header.inputs.length > 0)
    return Log.open(disk, directory, interval, READ_ONCE);
  known.retain();
  return known;
}

/**
 * Sorted inputs are read from their start to their end; of the others records are read in any order. Yields after each:
 * to sort the keys of one that has no index takes long.
 */
function* prepareInputs(inputs: readonly Log[], { mmap }: CompactionContext): Generator<void> {
  let left = INPUT_MEMORY_BYTES;
  for (const input of inputs) {
    input.loadSealed();
    const isSorted = input.header.inputs.length > 0;
    const size = input.size();
    if (isSorted) {
      input.readAhead = READ_AHEAD_BYTES;
    } else if (!(mmap && input.mapOnceRead()) && size <= left) {
      input.preload();
      left -= size;
    }
    input.order();
    yield;
  }
}

function verify({ disk, directory }: CompactionContext, log: Log): void {
  const fresh = Log.open(disk, directory, log, READ_ONCE);
  try {
    fresh?.verifySealed();
  } finally {
    fresh?.release();
  }
}

/** Removes logs that were replaced, the compaction lock held. */
export function removeSuperseded({ disk, directory, generations }: CompactionContext): void {
  // The replacement's name must be durable before what it replaces goes.
  if (!hasBug("remove inputs before the name of their merge is on the disk")) disk.syncDirectory(directory);
  for (const interval of generations.superseded) {
    disk.unlink(`${directory}/${indexName(interval)}`);
    disk.unlink(`${directory}/${logName(interval)}`);
  }
  disk.syncDirectory(directory);
  generations.reload();
}

/**
 * Puts the merged log in place, unless its inputs are not what they were; false
 * then. The directory is synced later, with no lock in hand: until it is, a power
 * cut brings the inputs back, and nothing is lost.
 */
function publishMerge(context: CompactionContext, merged: MergedLog): boolean {
  const { disk, directory, generations, writer } = context;
  let published = false;
  try {
    // What was written meanwhile is read before the lock is taken: nobody should wait for that.
    generations.catchUp();
    writer.begin();
    generations.reload();
    const { inputs } = merged.header;
    const haveChanged = !areNeighbours(inputs, generations.logs);
    if (haveChanged && !hasBug("publish a merge of logs that have changed")) return false;
    if (hasBug("remove inputs before their merge is published"))
      for (const log of generations.logs) if (inputs.includes(log.header.logId)) disk.unlink(log.path);
    finishMerge(disk, directory, merged);
    published = true;
    generations.reload();
    const { counter, layout } = writer.hint;
    writer.putHint({ counter: counter + 2, layout: nextLayout(layout) });
    writer.release();
    return true;
  } finally {
    // After a failed rename, or where the handle was closed meanwhile; once it is published the name is gone.
    if (!published) discardMerge(disk, directory, merged);
  }
}

/** Whether the logs with these ids are there, one after the other with none between them. */
function areNeighbours(ids: readonly string[], logs: readonly Log[]): boolean {
  const from = logs.findIndex((log) => log.header.logId === ids[0]);
  return from >= 0 && ids.every((id, index) => logs[from + index]?.header.logId === id);
}
