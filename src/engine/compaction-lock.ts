import type { Disk, LockFile } from "../disk/disk.ts";
import { COMPACT_NAME } from "../disk/file-names.ts";
import { KvsError } from "../format/errors.ts";

const PAUSE_MS = 5;
const NOTE_BYTES = 64;
const NOTE_AT = { merge: 0, index: NOTE_BYTES } as const;

/** Takes the lock of a store's one compactor if it is free; undefined otherwise. */
export function tryCompactionLock(disk: Disk, directory: string): LockFile | undefined {
  const lock = openLock(disk, directory);
  let isLocked = false;
  try {
    isLocked = lock.tryLock();
    return isLocked ? lock : undefined;
  } finally {
    if (!isLocked) lock.close();
  }
}

/** Whether somebody has it. */
export function isCompacting(disk: Disk, directory: string): boolean {
  const lock = tryCompactionLock(disk, directory);
  if (lock === undefined) return true;
  unlockCompaction(lock);
  return false;
}

/** Waits for it, at most `waitMs`, with no other lock in hand; then throws `LOCKED`. */
export async function compactionLock(
  disk: Disk,
  directory: string,
  { waitMs, checkUsable }: { readonly waitMs: number; readonly checkUsable: () => void },
): Promise<LockFile> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const lock = tryCompactionLock(disk, directory);
    if (lock !== undefined) return lock;
    if (performance.now() >= deadline) {
      const file = `${directory}/${COMPACT_NAME}`;
      throw new KvsError("LOCKED", `Cannot compact "${directory}": another compaction is under way`, {
        file,
      });
    }
    // oxlint-disable-next-line no-await-in-loop -- waiting is the point
    await Bun.sleep(PAUSE_MS);
    checkUsable();
  }
}

export function unlockCompaction(lock: LockFile): void {
  lock.unlock();
  lock.close();
}

/** What could not be done to some logs: merging them, or making the indexes they lack. */
export type Failure = "merge" | "index";

/** Leaves word in COMPACT that this failed: nobody needs to try again until there are other logs. */
export function noteFailure(lock: LockFile, failure: Failure, logIds: readonly string[]): void {
  lock.write(NOTE_AT[failure], Buffer.from(noteOf(failure, logIds)));
}

export function hasFailedBefore(lock: LockFile, failure: Failure, logIds: readonly string[]): boolean {
  return lock.read(NOTE_AT[failure], NOTE_BYTES).latin1Slice() === noteOf(failure, logIds);
}

function noteOf(failure: Failure, logIds: readonly string[]): string {
  const digest = Bun.hash.crc32(logIds.join(" ")).toString(16).padStart(8, "0");
  const what = failure === "merge" ? "not mergeable" : "not indexable";
  return `${what}: ${logIds.length} logs, ${digest}`.padEnd(NOTE_BYTES - 1).concat("\n");
}

function openLock(disk: Disk, directory: string): LockFile {
  const path = `${directory}/${COMPACT_NAME}`;
  const lock = disk.openLock(path, { create: true });
  if (lock === undefined) throw new KvsError("IO", `Cannot open "${path}": it vanished`, { file: path });
  return lock;
}
