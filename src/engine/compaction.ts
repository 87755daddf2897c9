import type { LockFile } from "../disk/disk.ts";
import { COMPACT_NAME, logName, parseTemporaryLogName, temporaryName } from "../disk/file-names.ts";
import type { LogFormat } from "../format/codec.ts";
import { KvsError } from "../format/errors.ts";
import { nextLayout } from "../format/hint.ts";
import { isLive } from "./generations.ts";
import type { Log } from "./log.ts";
import { finishMerge, type MergedLog, mergeLogs } from "./merge.ts";
import type { Writer } from "./writer.ts";
import type { WriterContext } from "./writer-context.ts";

/** The merge lets the event loop go on after each slice. */
const SLICE_MS = 5;
const LOCK_PAUSE_MS = 5;

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
  readonly waitMs: number;
}

const NOTHING_TO_DO: CompactionResult = { bytesBefore: 0, bytesAfter: 0, generationsMerged: 0 };

/**
 * Merges all generations into one. Readers and writers go on meanwhile: the
 * write lock is held only to seal the newest log at the start, and to publish.
 *
 * Whatever step it dies at, the store is whole: before the rename the output is
 * a temporary file, after it the inputs are superseded.
 */
export async function compact(
  context: CompactionContext,
  format: LogFormat | undefined,
): Promise<CompactionResult> {
  const lock = await lockCompaction(context);
  try {
    removeLeftovers(context);
    const inputs = chooseInputs(context, format);
    const first = inputs[0];
    const last = inputs.at(-1);
    if (first === undefined || last === undefined) return NOTHING_TO_DO;
    const bytesBefore = inputs.reduce((sum, input) => sum + input.size(), 0);
    const interval = { first: first.first, last: last.last };
    const target = context.generations.newest?.codec.format ?? "binary";
    const merge = { ...context, inputs, interval, format: target, now: Date.now() };
    const merged = await holding(inputs, () => runInSlices(mergeLogs(merge)));
    if (!publishMerge(context, inputs, merged)) return NOTHING_TO_DO;
    removeSuperseded(context);
    return { bytesBefore, bytesAfter: merged.bytes, generationsMerged: inputs.length };
  } finally {
    lock.unlock();
    lock.close();
  }
}

/** Waits for the lock of the store's one compactor, with no other lock in hand. */
async function lockCompaction({ disk, directory, waitMs, writer }: CompactionContext): Promise<LockFile> {
  writer.begin();
  writer.release();
  const path = `${directory}/${COMPACT_NAME}`;
  const lock = disk.openLock(path, { create: true });
  if (lock === undefined) throw new KvsError("IO", `Cannot open "${path}": it vanished`, { file: path });
  const deadline = performance.now() + waitMs;
  while (!lock.tryLock()) {
    if (performance.now() >= deadline) {
      lock.close();
      throw new KvsError("LOCKED", `Cannot compact "${directory}": another compaction is under way`, {
        file: path,
      });
    }
    // oxlint-disable-next-line no-await-in-loop -- waiting is the point
    await Bun.sleep(LOCK_PAUSE_MS);
    writer.checkUsable();
  }
  return lock;
}

/** Removes what a compactor that died has left: its unfinished output, and inputs that were replaced. */
function removeLeftovers(context: CompactionContext): void {
  const { disk, directory, generations } = context;
  // Removals that a compactor before us has not made durable are, before more is built on them.
  disk.syncDirectory(directory);
  generations.reload();
  const newest = generations.newest?.last ?? 0;
  for (const name of disk.list(directory) ?? []) {
    const interval = parseTemporaryLogName(name);
    // What reaches past the newest log is a copy that a writer is making, or has left for the next one.
    const isMerge = interval !== undefined && interval.first !== interval.last;
    if (isMerge && interval.last <= newest) disk.unlink(`${directory}/${name}`);
  }
  removeSuperseded(context);
}

function removeSuperseded({ disk, directory, generations }: CompactionContext): void {
  if (generations.superseded.length === 0) return;
  // What replaces others is read to its end before they go.
  for (const log of generations.logs) if (log.header.inputs.length > 0) log.loadSealed();
  // The replacement's name must be durable before what it replaces goes.
  disk.syncDirectory(directory);
  for (const interval of generations.superseded) disk.unlink(`${directory}/${logName(interval)}`);
  disk.syncDirectory(directory);
  generations.reload();
}

/** Seals what must be sealed; the logs to merge, oldest first, or none. */
function chooseInputs(
  { generations, writer }: CompactionContext,
  format: LogFormat | undefined,
): readonly Log[] {
  // Read before the lock is taken: nobody should wait for that.
  for (const log of generations.logs.slice(0, -1)) log.loadSealed();
  writer.begin();
  const now = Date.now();
  const target = format ?? generations.newest?.codec.format;
  const filled = generations.logs.filter((log) => !isEmpty(log));
  const [only] = filled;
  const nothingToGain =
    only === undefined || (filled.length === 1 && isCompact(only, now) && only.codec.format === target);
  const { newest } = generations;
  const changesFormat = newest?.codec.format !== target;
  if (changesFormat || (!nothingToGain && newest !== undefined && !isEmpty(newest))) writer.rotate(target);
  // The name of a single generation is taken by its own log: a merge needs two.
  if (!nothingToGain && generations.logs.length === 2) writer.rotate(target);
  writer.release();
  if (nothingToGain) return [];
  const inputs = generations.logs.slice(0, -1);
  for (const input of inputs) input.loadSealed();
  return inputs;
}

function isEmpty(log: Log): boolean {
  return log.end === log.headerBytes;
}

/** True for a log that merging would leave as it is. */
function isCompact(log: Log, now: number): boolean {
  return log.index.size === log.tally.records && [...log.index.values()].every((ref) => isLive(ref, now));
}

/** Puts the merged log in place, unless its inputs are not what they were; false then. */
function publishMerge(context: CompactionContext, inputs: readonly Log[], merged: MergedLog): boolean {
  const { disk, directory, generations, writer } = context;
  let published = false;
  try {
    writer.begin();
    generations.reload();
    const standing = new Set(generations.logs.map((log) => log.header.logId));
    if (!inputs.every((input) => standing.has(input.header.logId))) return false;
    finishMerge(disk, directory, merged);
    published = true;
    generations.reload();
    const { counter, layout } = writer.hint;
    writer.putHint({ counter: counter + 2, layout: nextLayout(layout) });
    writer.release();
    return true;
  } finally {
    // After a failed rename, or where the handle was closed meanwhile; once it is published the name is gone.
    if (!published) disk.unlink(`${directory}/${temporaryName(logName(merged.header))}`);
  }
}

/** Keeps logs open while they are needed, whatever replaces them. */
async function holding<T>(logs: readonly Log[], work: () => Promise<T>): Promise<T> {
  for (const log of logs) log.retain();
  try {
    return await work();
  } finally {
    for (const log of logs) log.release();
  }
}

async function runInSlices<T>(steps: Generator<void, T>): Promise<T> {
  let sliceEnd = performance.now() + SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() < sliceEnd) continue;
    // oxlint-disable-next-line no-await-in-loop -- others take their turn here
    await new Promise<void>((resolve) => setImmediate(resolve));
    sliceEnd = performance.now() + SLICE_MS;
  }
}
