import type { Disk } from "../disk/disk.ts";
import type { CompactionRules } from "./compaction-policy.ts";
import { Generations } from "./generations.ts";
import { HintReader } from "./hint-reader.ts";
import { maintain, type MaintenanceLimits } from "./maintenance.ts";
import { runToEnd } from "./slices.ts";
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

/** Makes the indexes that a store lacks and the merges that are due, on this thread; does nothing where somebody is at it. */
export function maintainStore(
  disk: Disk,
  directory: string,
  settings: MaintenanceSettings,
  thread: Pick<MaintenanceLimits, "isUrgent"> = {},
): void {
  const { bloomBitsPerKey, mmap, waitMs, autoCompact } = settings;
  const hints = new HintReader(disk, directory);
  // Read without maps: a bad sector is an error then, and no signal.
  const generations = new Generations(disk, directory, hints, {
    map: false,
    tailBytes: TAIL_BYTES,
    removeDamaged: (path) => disk.unlink(path),
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
    runToEnd(maintain({ ...context, writer }, settings, { maxBytes, ...thread }));
  } finally {
    try {
      writer.close("os");
    } finally {
      generations.close();
      hints.close();
    }
  }
}
