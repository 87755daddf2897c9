import type { AppendableFile } from "../disk/disk.ts";
import type { LogFormat } from "../format/codec.ts";
import { KvsError } from "../format/errors.ts";
import { evenAfter, type Hint, nextLayout } from "../format/hint.ts";
import type { FrameRecord, Mutation } from "../format/record.ts";
import { GroupCommit } from "./group-commit.ts";
import { addHolder, type LockHolder, removeHolder } from "./held-locks.ts";
import type { Log } from "./log.ts";
import { createSuccessor, openAppender } from "./new-log.ts";
import type { Durability } from "./options.ts";
import { recover } from "./recovery.ts";
import type { WriterContext } from "./writer-context.ts";

/** Buffered bytes are handed to the operating system in pieces of this size. */
const CHUNK_BYTES = 256 * 1024;

/** A handle gives the lock back after this long, or this many bytes, even in the middle of a tick. */
const LONGEST_HOLD_MS = 50;
const LARGEST_HOLD_BYTES = 4 * 1024 * 1024;

export interface WriterOptions {
  readonly durability: Durability;
  readonly format: LogFormat;
  readonly generationBytes: number;
}

/**
 * Appends to the newest log. A tick's first write takes the lock, and brings
 * the handle up to date; the tick's end hands what was written to the operating
 * system and gives the lock back.
 *
 * Invariant: while the lock is not held, nothing is buffered.
 */
export class Writer implements LockHolder {
  readonly #context: WriterContext;
  readonly #options: WriterOptions;
  #appender: AppendableFile | undefined;
  /** The log that the appender appends to. */
  #appenderLog: Log | undefined;
  /** The state of LOCK's hint, while the lock is held. */
  #hint: Hint | undefined;
  /** What this handle knows to be durable in the newest log; the hint learns of it with its next change. */
  #synced: { readonly logId: string; readonly bytes: number } | undefined;
  readonly #groupCommit = new GroupCommit(() => this.#syncInBackground());
  #tickEndScheduled = false;
  #pinned = false;
  /** A rotation failed: the newest log may end in a seal that this handle does not know of. */
  #mustPrepare = false;
  /** Some of what is buffered belongs to calls that have returned. */
  #hasReturned = false;
  #heldSinceMs = 0;
  #heldBytes = 0;
  #poison: Error | undefined;
  #closed = false;

  constructor(context: WriterContext, options: WriterOptions) {
    this.#context = context;
    this.#options = options;
  }

  get lockHeld(): boolean {
    return this.#context.lock.held;
  }

  /** Throws if an earlier write failed in a way that this handle cannot mend. */
  checkUsable(): void {
    if (this.#closed)
      throw new KvsError("CLOSED", `Cannot use store "${this.#context.directory}": it was closed`);
    if (this.#poison === undefined) return;
    const message = `Cannot use this handle of "${this.#context.directory}" any more, open the store again: ${this.#poison.message}`;
    throw new KvsError("POISONED", message, { cause: this.#poison });
  }

  /**
   * Takes the lock unless it is held, and brings the handle up to date: until
   * the tick ends nobody else writes.
   */
  begin(): void {
    this.checkUsable();
    this.refuseWhilePinned("write");
    const { lock } = this.#context;
    if (lock.held && this.#heldTooLong()) {
      this.#giveBackOrThrow();
      lock.yieldToWaiters();
    }
    if (lock.held) return;
    lock.acquire();
    try {
      this.#prepare();
    } catch (error) {
      lock.release();
      throw error;
    }
    this.#heldSinceMs = performance.now();
    this.#heldBytes = 0;
    this.#scheduleTickEnd();
  }

  /** Writes one frame, all or nothing. Call `begin` first. `urgent` hands it to the operating system at once. */
  write(mutations: readonly Mutation[], options: { readonly urgent: boolean }): void {
    if (!this.lockHeld) throw new Error("Writing takes the lock");
    const log = this.#writable();
    const before = log.tail.length;
    const records = this.#encode(log, mutations);
    const frameBytes = log.tail.length - before;
    log.add(records, frameBytes);
    this.#heldBytes += frameBytes;
    const full = log.end >= this.#options.generationBytes;
    if (this.#options.durability === "sync") this.#flush({ sync: true });
    else if (options.urgent || full || log.end - log.writtenEnd >= CHUNK_BYTES) this.#flush({ sync: false });
    // The write has succeeded by now: whatever the rotation meets is its own.
    if (full) this.#rotateIfPossible();
    this.#hasReturned = true;
  }

  /**
   * In `sync`, an answer that rests on what others wrote and did not make
   * durable makes it durable first.
   */
  settleAnswer(): void {
    if (this.#options.durability === "sync") this.#flush({ sync: true });
  }

  /** Hands everything to the operating system and keeps the lock. */
  flush(): void {
    this.checkUsable();
    this.#flush({ sync: false });
  }

  /** Hands everything to the operating system and gives the lock back. */
  release(): void {
    this.checkUsable();
    this.refuseWhilePinned("give the lock back");
    this.#giveBackOrThrow();
  }

  /** Runs what must not be separated from the write that follows: the lock is kept whatever happens. */
  runPinned<T>(work: () => T): T {
    // What was written before does not depend on how the work ends, or whether it does.
    this.flush();
    this.#pinned = true;
    try {
      return work();
    } finally {
      this.#pinned = false;
    }
  }

  /** While an update's callback runs, nothing may come between what it read and what will be written. */
  refuseWhilePinned(action: string): void {
    if (this.#pinned)
      throw new KvsError("INVALID_ARGUMENT", `Cannot ${action}: an update of this store is under way`);
  }

  giveBack(): void {
    if (this.#pinned) return;
    try {
      this.#giveBackOrThrow();
    } catch (error) {
      this.#poison ??= asError(error);
    }
  }

  /** Resolves when everything written before the call is on the disk; concurrent callers share one sync. */
  async sync(): Promise<void> {
    this.release();
    if (this.#mustSync()) await this.#groupCommit.join();
  }

  /** Seals the newest log and starts its successor; its format may change with it. Call `begin` first. */
  rotate(format?: LogFormat): void {
    const log = this.#writable();
    this.#flush({ sync: false });
    this.#mustPrepare = true;
    this.#seal(log);
    this.#startSuccessor(log, format ?? log.codec.format);
    this.#mustPrepare = false;
  }

  /** The hint as of now; the lock must be held. */
  get hint(): Hint {
    if (this.#hint === undefined) throw new Error("The hint is only known while the lock is held");
    return this.#hint;
  }

  /** Changes the hint; the lock must be held. */
  putHint(change: Partial<Hint>): void {
    this.#hint = { ...this.hint, ...change };
    this.#context.lock.writeHint(this.#hint);
    this.#context.generations.noteSeen(this.#hint);
  }

  /** Hands everything over, makes it durable unless `os` will do, and closes the files. */
  close(durability: Durability): void {
    if (this.#closed) return;
    try {
      this.release();
      if (durability === "sync" && this.#mustSync()) {
        this.#syncNow(this.#newest());
        this.#recordSynced();
      }
    } finally {
      this.#closed = true;
      removeHolder(this);
      this.#appender?.close();
      this.#appender = undefined;
      this.#context.lock.close();
    }
  }

  #newest(): Log {
    const { newest } = this.#context.generations;
    if (newest === undefined) throw new Error("A store that is written to has a log");
    return newest;
  }

  /** Encodes a frame behind what is buffered; one that cannot be encoded leaves nothing there. */
  #encode(log: Log, mutations: readonly Mutation[]): FrameRecord[] {
    const before = log.tail.length;
    try {
      return log.codec.encodeFrame(log.tail, log.end, mutations);
    } catch (error) {
      log.tail.length = before;
      throw error;
    }
  }

  /** The log to append to: what a rotation left that failed half-way is put right first. */
  #writable(): Log {
    if (this.#mustPrepare) this.#prepare();
    return this.#newest();
  }

  /** Brings the handle up to date under the lock; recovers what a writer that died has left. */
  #prepare(): void {
    const { disk, generations } = this.#context;
    if (this.#mustPrepare) generations.forgetSeen();
    const hint = generations.catchUp();
    const { newest } = generations;
    const untouched =
      hint !== undefined &&
      newest !== undefined &&
      !newest.sealed &&
      hint.bootId === disk.bootId() &&
      hint.counter % 2 === 0 &&
      !hint.suspect &&
      hint.logId === newest.header.logId &&
      newest.size() === newest.end &&
      newest.end === hint.writtenBytes;
    if (untouched) generations.checkNewest();
    this.#hint = untouched
      ? hint
      : recover(this.#context, (file) => this.#syncFile(file), this.#options.format);
    if (!untouched) this.putHint({});
    this.#useNewest();
    this.#mustPrepare = false;
  }

  /** Points the appender and the buffer at the newest log. */
  #useNewest(): void {
    const log = this.#newest();
    if (this.#appenderLog !== log) {
      this.#appender?.close();
      this.#appender = openAppender(this.#context.disk, log);
      this.#appenderLog = log;
    }
  }

  #heldTooLong(): boolean {
    return this.#heldBytes >= LARGEST_HOLD_BYTES || performance.now() - this.#heldSinceMs >= LONGEST_HOLD_MS;
  }

  #scheduleTickEnd(): void {
    addHolder(this);
    if (this.#tickEndScheduled) return;
    this.#tickEndScheduled = true;
    queueMicrotask(() => {
      this.#tickEndScheduled = false;
      this.giveBack();
    });
  }

  #giveBackOrThrow(): void {
    if (!this.#context.lock.held) return;
    try {
      this.#flush({ sync: false });
    } finally {
      this.#hint = undefined;
      this.#context.lock.release();
      removeHolder(this);
    }
  }

  /** Appends what is buffered; with `sync`, makes the whole log durable. */
  #flush({ sync }: { readonly sync: boolean }): void {
    if (!this.#context.lock.held) return;
    const log = this.#newest();
    const bytes = log.unwritten().length;
    if (bytes > 0) this.#append(log);
    if (sync && !this.#isSynced(log)) this.#syncNow(log);
    const synced = this.#synced?.logId === log.header.logId ? this.#synced.bytes : 0;
    const syncedBytes = Math.max(synced, this.hint.syncedBytes);
    if (bytes === 0 && syncedBytes === this.hint.syncedBytes) return;
    const counter = this.hint.counter + (bytes > 0 ? 1 : 0);
    this.putHint({ counter, writtenBytes: log.size(), syncedBytes });
  }

  #append(log: Log): void {
    try {
      this.putHint({ counter: this.hint.counter + 1 });
      this.#appender?.append(log.unwritten(), log.writtenEnd);
    } catch (error) {
      this.#undoAppend(log, error);
      throw error;
    }
    log.markWritten();
    this.#hasReturned = false;
  }

  /**
   * Cuts a failed append back to the last whole frame, durably, before anything
   * can be appended behind it, and reads the log again. Whole frames stay: a
   * reader may have seen them.
   */
  #undoAppend(log: Log, cause: unknown): void {
    // Callers that were told their write was done have to learn of it.
    if (this.#hasReturned) this.#poison ??= asError(cause);
    this.#hasReturned = false;
    try {
      log.rewind();
      log.catchUp();
      if (!log.sealed && log.size() > log.end) {
        this.#appender?.truncate(log.end);
        if (this.#appender !== undefined) this.#syncFile(this.#appender);
        log.catchUp();
      }
      this.putHint({ counter: evenAfter(this.hint.counter), writtenBytes: log.end });
    } catch (error) {
      this.#poison ??= asError(error);
    }
  }

  #syncNow(log: Log): void {
    // Taken before: what others append while the sync is under way may not be covered.
    const bytes = log.size();
    if (this.#appender !== undefined) this.#syncFile(this.#appender);
    this.#noteSynced(log, bytes);
  }

  /** Makes a file durable; a failure poisons the handle. */
  #syncFile(file: AppendableFile): void {
    try {
      file.sync();
    } catch (error) {
      this.#noteFailedSync(error);
      throw error;
    }
  }

  /** After a failed sync the page cache may show what the disk does not hold: no retry, and others are warned. */
  #noteFailedSync(error: unknown): void {
    this.#poison ??= asError(error);
    const { generations, lock } = this.#context;
    const alreadyHeld = lock.held;
    try {
      if (!alreadyHeld) lock.acquire();
      this.#hint ??= generations.catchUp();
      if (this.#hint !== undefined) this.putHint({ counter: evenAfter(this.hint.counter), suspect: true });
    } catch {
      // The disk is failing: this handle is poisoned either way.
    } finally {
      if (!alreadyHeld) {
        this.#hint = undefined;
        lock.release();
      }
    }
  }

  #isSynced(log: Log): boolean {
    const synced = this.#synced?.logId === log.header.logId ? this.#synced.bytes : 0;
    const known = this.#hint === undefined ? synced : Math.max(synced, this.#hint.syncedBytes);
    return known >= log.end;
  }

  /** True if this handle wrote to the newest log; what it wrote to older ones was made durable when they were sealed. */
  #mustSync(): boolean {
    const { newest } = this.#context.generations;
    return newest !== undefined && this.#appenderLog === newest && !this.#isSynced(newest);
  }

  async #syncInBackground(): Promise<void> {
    this.checkUsable();
    if (!this.#mustSync()) return;
    const log = this.#newest();
    const bytes = log.writtenEnd;
    try {
      await this.#appender?.syncInBackground();
    } catch (error) {
      this.#noteFailedSync(error);
      throw error;
    }
    this.#noteSynced(log, bytes);
    if (!this.#closed) this.#recordSynced();
  }

  #noteSynced(log: Log, bytes: number): void {
    const { logId } = log.header;
    if (this.#synced?.logId !== logId || this.#synced.bytes < bytes) this.#synced = { logId, bytes };
  }

  /** Leaves word in the hint of how much is durable, if the lock is free; else a later write will. */
  #recordSynced(): void {
    const { generations, lock } = this.#context;
    if (this.#synced === undefined || lock.held || !lock.tryAcquire()) return;
    try {
      const hint = generations.catchUp();
      const { logId, bytes } = this.#synced;
      if (hint === undefined || hint.logId !== logId || hint.counter % 2 === 1 || hint.syncedBytes >= bytes)
        return;
      this.#hint = hint;
      this.putHint({ syncedBytes: bytes });
    } finally {
      this.#hint = undefined;
      lock.release();
    }
  }

  #rotateIfPossible(): void {
    try {
      this.rotate();
    } catch {
      // The write itself is in the log. What failed is tried again by the next
      // write, which finds the log too long, or sealed without a successor.
    }
  }

  #seal(log: Log): void {
    const { records, digest } = log.tally;
    log.codec.encodeSeal(log.tail, log.end, { records, digest, length: log.end });
    this.#flush({ sync: false });
    this.#syncNow(log);
    log.markSealed();
  }

  #startSuccessor(log: Log, format: LogFormat): void {
    const successor = createSuccessor(this.#context, log, format);
    this.#context.generations.push(successor);
    this.putHint({
      counter: this.hint.counter + 2,
      logId: successor.header.logId,
      generation: successor.last,
      writtenBytes: successor.end,
      syncedBytes: successor.end,
      layout: nextLayout(this.hint.layout),
    });
    this.#useNewest();
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
