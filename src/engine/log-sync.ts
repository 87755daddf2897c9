import type { AppendableFile } from "../disk/disk.ts";
import { KvsError } from "../format/errors.ts";
import { evenAfter, type Hint } from "../format/hint.ts";
import { hasBug } from "../format/seeded-bugs.ts";
import { GroupCommit } from "./group-commit.ts";
import type { Log } from "./log.ts";
import { readHint } from "./store-files.ts";
import type { WriterContext } from "./writer-context.ts";

/** In `os`, what was written is made durable in the background after so many bytes: the sync at a rotation is short then. */
const SYNC_INTERVAL_BYTES = 8 * 1024 * 1024;

/** Syncing so much takes no longer than creating the next log. */
const QUICKLY_SYNCED_BYTES = 1024 * 1024;

/** However soon a handle gives up waiting for others, it does not before it has warned them of a failed sync. */
const WARNING_WAIT_MS = 10_000;

/** What the sync of a log needs of the writer that appends to it. */
export interface SyncHost {
  /** The log that this writer appends to, and its file. */
  readonly appended: { readonly log: Log; readonly file: AppendableFile } | undefined;
  /** The hint, while the lock is held. */
  heldHint: Hint | undefined;
  putHint(change: Partial<Hint>): void;
  /** Makes every further use fail. */
  poison(error: unknown): void;
  checkUsable(): void;
}

/** Makes what a writer appended durable, and keeps account of how much of it is. */
export class LogSync {
  readonly #context: WriterContext;
  readonly #host: SyncHost;
  readonly #groupCommit = new GroupCommit(() => this.#syncInBackground());
  /** What this handle knows to be durable in the newest log; the hint learns of it with its next change. */
  #synced: { readonly logId: string; readonly bytes: number } | undefined;
  #startedAt = 0;

  constructor(context: WriterContext, host: SyncHost) {
    this.#context = context;
    this.#host = host;
  }

  /** Bytes of a log that this handle knows to be durable. */
  bytesOf(log: Log): number {
    return this.#synced?.logId === log.header.logId ? this.#synced.bytes : 0;
  }

  isSynced(log: Log): boolean {
    return this.#knownBytes(log) >= log.end;
  }

  /** True if this handle wrote to the newest log; what it wrote to older ones was made durable when they were sealed. */
  get isDue(): boolean {
    const { newest } = this.#context.generations;
    return newest !== undefined && this.#host.appended?.log === newest && !this.isSynced(newest);
  }

  /** Makes a log durable before it returns. */
  syncNow(log: Log): void {
    // Taken before: what others append while the sync is under way may not be covered.
    const bytes = log.size();
    const { appended } = this.#host;
    if (appended === undefined) throw new Error("A log is synced by who appends to it");
    this.syncFile(appended.file);
    this.#refuseIfSuspect(log);
    this.#note(log, bytes);
  }

  /** Makes a file durable; a failure poisons the handle. */
  syncFile(file: AppendableFile): void {
    try {
      file.sync();
    } catch (error) {
      this.#noteFailure(error);
      throw error;
    }
  }

  /** Resolves when everything written before the call is on the disk; concurrent callers share one sync. */
  async join(): Promise<void> {
    if (this.isDue) await this.#groupCommit.join();
  }

  /** Starts a sync in the background if much was written since the last one. */
  startIfFar(log: Log): void {
    this.#startIfMore(log, SYNC_INTERVAL_BYTES);
  }

  /**
   * Whether a log can be sealed without much left to sync, which everybody would
   * wait for; where it cannot, a sync in the background is started.
   */
  isNearlySynced(log: Log): boolean {
    if (log.end - this.#knownBytes(log) <= QUICKLY_SYNCED_BYTES) return true;
    this.#startIfMore(log, 1);
    return false;
  }

  /** Leaves word in the hint of how much is durable, if the lock is free; else a later write will. */
  record(): void {
    const { generations, lock } = this.#context;
    if (this.#synced === undefined || lock.held || !lock.tryAcquire()) return;
    try {
      const hint = generations.catchUp();
      const { logId, bytes } = this.#synced;
      if (hint === undefined || hint.logId !== logId || hint.counter % 2 === 1 || hint.syncedBytes >= bytes)
        return;
      this.#host.heldHint = hint;
      this.#host.putHint({ syncedBytes: bytes });
    } finally {
      this.#host.heldHint = undefined;
      lock.release();
    }
  }

  /** Starts a sync in the background if so many bytes, or more, were written since the last one was started. */
  #startIfMore(log: Log, bytes: number): void {
    const end = log.writtenEnd;
    if (end < this.#startedAt) this.#startedAt = 0;
    if (end - this.#startedAt < bytes) return;
    this.#startedAt = end;
    // What fails here fails again where somebody waits for it.
    this.#groupCommit.join().catch(() => undefined);
  }

  async #syncInBackground(): Promise<void> {
    this.#host.checkUsable();
    const { appended } = this.#host;
    if (!this.isDue || appended === undefined) return;
    const { log, file } = appended;
    const bytes = log.writtenEnd;
    try {
      await file.syncInBackground();
    } catch (error) {
      this.#noteFailure(error);
      throw error;
    }
    this.#refuseIfSuspect(log);
    this.#note(log, bytes);
    if (this.#host.appended !== undefined) this.record();
  }

  /** The same as `bytesOf`, with what others have left word of. */
  #knownBytes(log: Log): number {
    return Math.max(this.bytesOf(log), this.#host.heldHint?.syncedBytes ?? 0);
  }

  #note(log: Log, bytes: number): void {
    if (this.bytesOf(log) < bytes) this.#synced = { logId: log.header.logId, bytes };
  }

  /**
   * A sync that succeeds says nothing of what another process's failed one has lost
   * before: some systems tell only one of them.
   */
  #refuseIfSuspect(log: Log): void {
    // Without the lock it is read on its own: the handle may have been closed while its sync was under way.
    const hint = this.#host.heldHint ?? readHint(this.#context.disk, this.#context.directory);
    if (hint?.suspect !== true || hint.logId !== log.header.logId) return;
    const message = `Cannot sync "${log.path}": a sync of it by another process has failed`;
    const error = new KvsError("IO", message, { file: log.path });
    this.#host.poison(error);
    throw error;
  }

  /** After a failed sync the page cache may show what the disk does not hold: no retry, and others are warned. */
  #noteFailure(error: unknown): void {
    if (hasBug("go on after a failed sync")) return;
    const host = this.#host;
    host.poison(error);
    const { generations, lock } = this.#context;
    const alreadyHeld = lock.held;
    try {
      if (!alreadyHeld) lock.acquire(WARNING_WAIT_MS);
      host.heldHint ??= generations.catchUp();
      if (host.heldHint !== undefined)
        host.putHint({ counter: evenAfter(host.heldHint.counter), suspect: true });
    } catch {
      // The disk is failing: this handle is poisoned either way.
    } finally {
      if (!alreadyHeld) {
        host.heldHint = undefined;
        lock.release();
      }
    }
  }
}
