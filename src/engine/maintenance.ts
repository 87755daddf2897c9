import type { LockFile } from "../disk/disk.ts";
import type { LogFormat } from "../format/codec.ts";
import { KvsError } from "../format/errors.ts";
import type { Interval } from "../format/header.ts";
import {
  type CompactionContext,
  type CompactionResult,
  mergeGenerations,
  NOTHING_TO_DO,
  removeLeftovers,
} from "./compaction.ts";
import {
  compactionLock,
  type Failure,
  hasFailedBefore,
  noteFailure,
  tryCompactionLock,
  unlockCompaction,
} from "./compaction-lock.ts";
import { type CompactionRules, type MergePlan, planMerge } from "./compaction-policy.ts";
import { indexLog, isBlocked } from "./index-writing.ts";
import type { Log } from "./log.ts";
import { sumUp } from "./sealed-sizes.ts";
import { runInSlices } from "./slices.ts";

/** Work on so many bytes leaves enough garbage behind that it is worth collecting at once. */
const LARGE_BYTES: number = 16 * 1024 * 1024;

/**
 * Merges all generations into one, whatever the rules say, and starts the next
 * one in `format`. Waits for another compaction, at most `waitMs`.
 */
export async function compactAll(
  context: CompactionContext & {
    readonly waitMs: number;
    /** Told of the steps, for whoever wants to give them up. */
    readonly onStart: (steps: Generator<void>) => void;
  },
  format: LogFormat | undefined,
): Promise<CompactionResult> {
  const { disk, directory, writer, waitMs } = context;
  writer.begin();
  writer.release();
  const lock = await compactionLock(disk, directory, { waitMs, checkUsable: () => writer.checkUsable() });
  try {
    removeLeftovers(context);
    // Read before the lock is taken: nobody should wait for that.
    context.generations.loadAll();
    const chosen = chooseAll(context, format);
    if (chosen.length === 0) return NOTHING_TO_DO;
    const steps = mergeGenerations(context, chosen);
    context.onStart(steps);
    const result = await runInSlices(steps);
    writer.checkUsable();
    return result ?? NOTHING_TO_DO;
  } finally {
    unlockCompaction(lock);
  }
}

/** How far `maintain` goes. */
export interface MaintenanceLimits {
  /** Most bytes of logs that one merge may take as its inputs; 0 for no merges. */
  readonly maxBytes: number;
  /** True once there is no time left: merges are given up then, also one that is under way. */
  readonly isUrgent?: (() => boolean) | undefined;
}

/**
 * Makes the indexes that are missing and the merges that are due, in steps.
 * Does nothing while another process does it.
 */
export function* maintain(
  context: CompactionContext,
  rules: CompactionRules,
  { maxBytes, isUrgent = () => false }: MaintenanceLimits,
): Generator<void> {
  const lock = tryCompactionLock(context.disk, context.directory);
  if (lock === undefined) return;
  try {
    removeLeftovers(context);
    const hopeless = new Set<string>();
    for (;;) {
      yield* makeIndexes(context, hopeless);
      noteHopeless(context, lock, hopeless);
      const plan = planNow(context, rules);
      if (plan === undefined || isUrgent()) return;
      const bytes = bytesOf(context, plan);
      if (bytes > maxBytes || !(yield* merge(context, lock, plan, isUrgent))) return;
      collectGarbage(bytes);
    }
  } finally {
    unlockCompaction(lock);
  }
}

/** What should be merged now, by the sealed generations as this handle sees them. */
export function planNow(
  { generations }: Pick<CompactionContext, "generations">,
  rules: CompactionRules,
): MergePlan | undefined {
  // Nobody has written to the store yet: it is none of ours.
  if (generations.newest?.isForeign === true) return undefined;
  const sealed = generations.logs.slice(0, -1);
  const sums = sumUp(sealed, Date.now());
  const logs = sealed.map((log) => log.size());
  // Foreign logs have no indexes, and their numbers gaps: the first merge is one of all of them.
  const mustMergeAll = sealed[0]?.isForeign === true;
  return planMerge({ logs, liveBytes: 0, staleBytes: 0, mustMergeAll, ...sums }, rules);
}

/** Whether there is anything for `maintain` to do. */
export function isMaintenanceDue(
  { generations }: Pick<CompactionContext, "generations">,
  rules: CompactionRules,
): boolean {
  const sealed = generations.logs.slice(0, -1);
  return sealed.some(lacksIndex) || planNow({ generations }, rules) !== undefined;
}

/**
 * Whether others have left something to be done that nobody has tried in vain: indexes that are missing, by the names that
 * were listed alone, and with `rules` merges that are due. Undefined where somebody is at it now.
 */
export function isWorkLeft(
  { disk, directory, generations }: Pick<CompactionContext, "disk" | "directory" | "generations">,
  rules?: CompactionRules,
): boolean | undefined {
  const { unindexed } = generations;
  const plan = rules === undefined ? undefined : planNow({ generations }, rules);
  const inputs = plan === undefined ? [] : generations.logs.slice(plan.from, plan.to);
  if (unindexed.length + inputs.length === 0) return false;
  const lock = tryCompactionLock(disk, directory);
  if (lock === undefined) return undefined;
  try {
    const isLeft = (work: Failure, logs: readonly Log[]): boolean =>
      logs.length > 0 && !hasFailedBefore(lock, work, idsOf(logs));
    return isLeft("index", unindexed) || isLeft("merge", inputs);
  } finally {
    unlockCompaction(lock);
  }
}

function idsOf(logs: readonly Log[]): readonly string[] {
  return logs.map(({ header }) => header.logId);
}

/**
 * Indexes oldest first: an index counts what its log made stale below. A log that
 * can have none, such as a damaged one, does not keep the others from theirs.
 */
function* makeIndexes(context: CompactionContext, hopeless: Set<string>): Generator<void> {
  // Looked for anew each time: the view changes while this runs.
  for (;;) {
    const log = findUnindexed(context, hopeless);
    if (log === undefined) return;
    try {
      yield* makeIndex(context, log);
      if (log.summary === undefined)
        throw new KvsError("IO", `Cannot read the index of "${log.path}" back`, { file: log.path });
    } catch (error) {
      if (!isHopeless(error)) throw error;
      hopeless.add(log.header.logId);
    }
    collectGarbage(log.size());
  }
}

/** Those who meet logs without indexes do not try again. */
function noteHopeless(
  { generations }: CompactionContext,
  lock: LockFile,
  hopeless: ReadonlySet<string>,
): void {
  const logIds = idsOf(generations.unindexed).filter((logId) => hopeless.has(logId));
  if (logIds.length > 0 && !hasFailedBefore(lock, "index", logIds)) noteFailure(lock, "index", logIds);
}

function* makeIndex(
  { disk, directory, bloomBitsPerKey, generations }: CompactionContext,
  log: Log,
): Generator<void> {
  const older = generations.logs.filter((other) => other.last < log.first);
  const held = [...older, log];
  for (const each of held) each.retain();
  try {
    yield* indexLog({ disk, directory, bloomBitsPerKey }, log, older);
  } finally {
    for (const each of held) each.release();
  }
  log.renewIndex();
}

/** Whether an index cannot be made now nor later: its log is damaged, or a directory stands in its place. */
function isHopeless(error: unknown): boolean {
  return (error instanceof KvsError && error.code === "CORRUPT") || isBlocked(error);
}

/** Makes a planned merge; false if it could not be made. */
function* merge(
  context: CompactionContext,
  lock: LockFile,
  plan: MergePlan,
  isUrgent: () => boolean,
): Generator<void, boolean> {
  const { generations } = context;
  const logIds = idsOf(generations.logs.slice(plan.from, plan.to));
  if (hasFailedBefore(lock, "merge", logIds)) return false;
  const intervals = intervalsOf(context, plan);
  try {
    return (yield* unlessUrgent(mergeGenerations(context, intervals), isUrgent)) !== undefined;
  } catch (error) {
    if (!(error instanceof KvsError) || error.code !== "CORRUPT") throw error;
    noteFailure(lock, "merge", logIds);
    return false;
  }
}

/** What a plan merges. The name of a single generation is taken by its own log: that one needs a neighbour. */
function intervalsOf({ generations, writer }: CompactionContext, { from, to }: MergePlan): Interval[] {
  if (to - from === 1) {
    writer.begin();
    writer.rotate();
    writer.release();
  }
  // Others may have rotated as well since the plan was made: its neighbour is looked up now.
  return generations.logs.slice(from, Math.max(to, from + 2)).map(({ first, last }) => ({ first, last }));
}

/** Goes on with work until it is done or there is no time left; undefined then. */
function* unlessUrgent<T>(work: Generator<void, T>, isUrgent: () => boolean): Generator<void, T | undefined> {
  try {
    for (let step = work.next(); ; step = work.next()) {
      if (step.done === true) return step.value;
      if (isUrgent()) return undefined;
      yield;
    }
  } finally {
    // Given up, it removes what it has left unfinished.
    work.return(undefined as never);
  }
}

/** What work on so many bytes has taken is given back before the next: the program's own work needs the memory, too. */
function collectGarbage(bytes: number): void {
  if (bytes > LARGE_BYTES) Bun.gc(true);
}

function findUnindexed({ generations }: CompactionContext, hopeless: ReadonlySet<string>): Log | undefined {
  generations.catchUp();
  return generations.logs.slice(0, -1).find((log) => lacksIndex(log) && !hopeless.has(log.header.logId));
}

/** Whether there are logs whose indexes are still to be made. */
export function lacksIndexes({ generations }: Pick<CompactionContext, "generations">): boolean {
  generations.catchUp();
  generations.adoptIndexes();
  return generations.logs.slice(0, -1).some(lacksIndex);
}

function lacksIndex(log: Log): boolean {
  // One that counts only because the whole log was summed up is as slow as none: a copied JSON log has such.
  return !log.isForeign && !log.hasCurrentIndex;
}

function bytesOf({ generations }: CompactionContext, { from, to }: MergePlan): number {
  return generations.logs.slice(from, to).reduce((sum, log) => sum + log.size(), 0);
}

/** The generations that an explicit compaction merges, sealed first where they must be; none if nothing can be gained. */
function chooseAll(
  { generations, writer }: CompactionContext,
  format: LogFormat | undefined,
): readonly Interval[] {
  writer.begin();
  const target = format ?? generations.newest?.codec.format;
  const filled = generations.logs.filter((log) => recordsOf(log, generations.newest) > 0);
  const [only] = filled;
  const nothingToGain =
    only === undefined ||
    (filled.length === 1 && only.codec.format === target && isCompact(only, Date.now()));
  const { newest } = generations;
  const changesFormat = newest?.codec.format !== target;
  if (changesFormat || (!nothingToGain && filled.at(-1) === newest)) writer.rotate(target);
  // The name of a single generation is taken by its own log: a merge needs two.
  if (!nothingToGain && generations.logs.length === 2) writer.rotate(target);
  writer.release();
  return nothingToGain ? [] : generations.logs.slice(0, -1);
}

function recordsOf(log: Log, newest: Log | undefined): number {
  if (log !== newest) log.loadSealed();
  return log === newest || log.summary === undefined ? log.tally.records : log.summary.records;
}

/** True for a log that merging would leave as it is, by what its index says. */
function isCompact({ summary }: Log, now: number): boolean {
  if (summary === undefined) return false;
  const { liveBytes, recordBytes, firstExpiry } = summary;
  return liveBytes === recordBytes && (firstExpiry === 0 || firstExpiry > now);
}
