import type { Disk } from "../disk/disk.ts";
import type { CompactionRules } from "./compaction-policy.ts";
import { Generations } from "./generations.ts";
import { HintReader } from "./hint-reader.ts";
import { maintain, type MaintenanceLimits } from "./maintenance.ts";
import { runUnlessCalledOff } from "./slices.ts";
import { WriteLock } from "./write-lock.ts";
import { Writer } from "./writer.ts";

/** What a store is maintained by, apart from its handles. */
export interface MaintenanceSettings extends CompactionRules {
  /** False: only indexes are made. */
  readonly autoCompact: boolean;
  readonly bloomBitsPerKey: number;
  readonly mmap: boolean;
  /** Longest wait for the write lock, in milliseconds. */
  readonly waitMs: number;
}

/** Of the newest log only its end is of interest. */
const TAIL_BYTES = 1024 * 1024;

/** What can end the work early. */
export interface Interruptions extends Pick<MaintenanceLimits, "isUrgent"> {
  /** True once nobody needs any of it. */
  readonly isCalledOff?: () => boolean;
}

/** Ends the reading of a log that nobody needs any more. */
class CalledOff extends Error {}

/** Makes the indexes that a store lacks and the merges that are due, on this thread; does nothing where somebody is at it. */
export function maintainStore(
  disk: Disk,
  directory: string,
  settings: MaintenanceSettings,
  { isUrgent, isCalledOff = () => false }: Interruptions = {},
): void {
  const { bloomBitsPerKey, mmap, waitMs, autoCompact } = settings;
  const hints = new HintReader(disk, directory);
  // Read without maps: a bad sector is an error then, and no signal.
  const generations = new Generations(disk, directory, hints, {
    map: false,
    tailBytes: TAIL_BYTES,
    removeDamaged: (path) => disk.unlink(path),
    onPiece: () => {
      if (isCalledOff()) throw new CalledOff();
    },
  });
  const lock = new WriteLock(disk, directory, waitMs, (file) => generations.forgetLock(file));
  const context = { disk, directory, generations, lock, bloomBitsPerKey, mmap };
  const writer = new Writer(context, {
    durability: "os",
    format: "binary",
    generationBytes: Number.POSITIVE_INFINITY,
  });
  try {
    generations.reload();
    if (generations.newest === undefined) return;
    const maxBytes = autoCompact ? Number.POSITIVE_INFINITY : 0;
    runUnlessCalledOff(maintain({ ...context, writer }, settings, { maxBytes, isUrgent }), isCalledOff);
  } catch (error) {
    if (!(error instanceof CalledOff)) throw error;
  } finally {
    try {
      writer.close("os");
    } finally {
      generations.close();
      hints.close();
    }
  }
}
