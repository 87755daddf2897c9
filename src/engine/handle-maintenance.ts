import { isOfThisMachine } from "../disk/real-disk.ts";
import { maintainInBackground } from "./background.ts";
import type { CompactionContext } from "./compaction.ts";
import { isMaintenanceDue, isWorkLeft, maintain } from "./maintenance.ts";
import type { ResolvedOptions } from "./options.ts";
import { runInSlices, runToEnd } from "./slices.ts";
import type { Writer } from "./writer.ts";
import type { WriterContext } from "./writer-context.ts";

/** A handle that has not written for so long seals a long tail. */
const IDLE_MS = 100;

/** What a handle may merge itself when it is closed, in bytes of the logs to be merged: a few hundredths of a second. */
const CLOSING_MERGE_BYTES = 4 * 1024 * 1024;

/** Who does the maintenance that a handle's writes make due. */
export interface MaintenancePlace {
  /** What is due when the handle is closed is done by another process: the caller sees to it. */
  readonly leavesMaintenance: boolean;
  /**
   * The handle writes much and looks little up: it keeps little in memory, and
   * has its indexes made by another process, which this starts.
   */
  readonly startIndexing?: ((directory: string) => void) | undefined;
}

/** The handle whose store is maintained. */
export interface MaintainedHandle {
  readonly isClosed: boolean;
  context(): WriterContext;
  /** The same with a writer, which is made if there is none. */
  internals(): CompactionContext;
}

/**
 * Has the indexes made and the merges done that a handle's writes make due: out of the
 * way of its reads and writes while it is open, and a little of it when it is closed.
 */
export class HandleMaintenance {
  readonly #handle: MaintainedHandle;
  readonly #options: ResolvedOptions;
  readonly #place: MaintenancePlace;
  #idleTimer: Timer | undefined;
  /** What the writer had done when maintenance was begun last. */
  #changesSeen = 0;
  /** Set by `settle`: whether there is work left for a compaction. */
  isDue = false;

  constructor(handle: MaintainedHandle, options: ResolvedOptions, place: MaintenancePlace) {
    this.#handle = handle;
    this.#options = options;
    this.#place = place;
  }

  /** What others left to be done does not wait for the next log to be sealed: they ended too soon, or lost an index. */
  beginIfDue(): void {
    if (this.#place.leavesMaintenance) return;
    try {
      const context = this.#handle.context();
      const rules = this.#options.autoCompact ? this.#options : undefined;
      // Who is at it may be another handle of this process, by other rules: this one's come next.
      if (isOfThisMachine(context.disk) && isWorkLeft(context, rules) !== false) this.#begin();
    } catch {
      // A store that may only be read is opened all the same.
    }
  }

  /** Begins what a write may have made due. */
  noteWrite(writer: Writer): void {
    this.#beginAfter(writer);
    this.#idleTimer ??= this.#watchForIdleness(writer);
  }

  /** Leaves the store as quick to open as it can be. What fails here is tried by the next handle. */
  settle(writer: Writer | undefined): void {
    this.stop();
    if (writer?.isUsable !== true) return;
    writer.release();
    const { leavesMaintenance } = this.#place;
    const { autoCompact } = this.#options;
    try {
      writer.sealLongTail();
      const context = this.#handle.internals();
      if (changesOf(writer) === 0) {
        this.isDue = leavesMaintenance && autoCompact && isWorkLeft(context) === true;
        return;
      }
      const mayMerge = autoCompact && !leavesMaintenance;
      runToEnd(maintain(context, this.#options, { maxBytes: mayMerge ? CLOSING_MERGE_BYTES : 0 }));
      this.isDue = autoCompact && isMaintenanceDue(context, this.#options);
    } catch {
      // What was written is safe, and that is what closing is about.
    }
  }

  /** Waits no more for the handle to be idle. */
  stop(): void {
    clearInterval(this.#idleTimer);
  }

  #beginAfter(writer: Writer): void {
    if (changesOf(writer) !== this.#changesSeen) this.#begin();
  }

  #begin(): void {
    const { disk, directory, generations, writer } = this.#handle.internals();
    this.#changesSeen = changesOf(writer);
    // What was sealed before this log has its index by now, mostly.
    generations.adoptIndexes();
    // Another disk than this machine's is not to be reached from another thread.
    if (!isOfThisMachine(disk)) return;
    const { startIndexing } = this.#place;
    if (startIndexing !== undefined) {
      startIndexing(directory);
      return;
    }
    const done = (): void => {
      if (!this.#handle.isClosed) generations.adoptIndexes();
    };
    void maintainInBackground(directory, this.#options, done).then((hasWorker) =>
      hasWorker ? undefined : this.#maintainInSlices(),
    );
  }

  async #maintainInSlices(): Promise<void> {
    if (this.#handle.isClosed) return;
    try {
      const maxBytes = this.#options.autoCompact ? Number.POSITIVE_INFINITY : 0;
      await runInSlices(maintain(this.#handle.internals(), this.#options, { maxBytes }));
    } catch {
      // The handle may have been closed; everything else is met by those who read or write.
    }
  }

  /** Seals what would make the next start slow, once nothing was written for a while. */
  #watchForIdleness(writer: Writer): Timer {
    let seen = writer.writes;
    const timer = setInterval(() => {
      if (writer.writes !== seen) {
        seen = writer.writes;
        return;
      }
      clearInterval(timer);
      this.#idleTimer = undefined;
      this.#sealWhileIdle(writer);
    }, IDLE_MS);
    timer.unref();
    return timer;
  }

  #sealWhileIdle(writer: Writer): void {
    try {
      writer.sealLongTail();
      this.#beginAfter(writer);
    } catch {
      // Who holds the lock for so long will seal it; any other failure is met by the next call.
    }
  }
}

/** Grows with everything that maintenance may be due after. */
function changesOf({ rotations, postponed }: Writer): number {
  return rotations + postponed;
}
