import type { AppendableFile } from "../disk/disk.ts";
import type { LogFormat } from "../format/codec.ts";
import { KvsError } from "../format/errors.ts";
import { evenAfter, type Hint, nextLayout } from "../format/hint.ts";
import type { Mutation } from "../format/record.ts";
import { hasBug } from "../format/seeded-bugs.ts";
import { addHolder, type LockHolder, removeHolder } from "./held-locks.ts";
import { removeAbandonedImports } from "./import-directory.ts";
import type { Log } from "./log.ts";
import { LogSync, type SyncHost } from "./log-sync.ts";
import { createSuccessor, generationAfter, openAppender } from "./new-log.ts";
import type { Durability } from "./options.ts";
import { recover } from "./recovery.ts";
import { RotationRules } from "./rotation-rules.ts";
import type { WriterContext } from "./writer-context.ts";

/** Buffered bytes are handed to the operating system in pieces of this size. */
const CHUNK_BYTES = 256 * 1024;

/** A handle gives the lock back after this long, or this many bytes, even in the middle of a tick. (Every write asks the clock: in nanoseconds it answers soonest.) */
const LONGEST_HOLD_NS = 50e6;
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
export class Writer implements LockHolder, SyncHost {
  readonly #context: WriterContext;
  readonly #options: WriterOptions;
  /** The log that this writer appends to, and its file. */
  appended: { readonly log: Log; readonly file: AppendableFile } | undefined;
  /** The state of LOCK's hint, while the lock is held. */
  heldHint: Hint | undefined;
  readonly #sync: LogSync;
  readonly #rotation: RotationRules;
  #tickEndScheduled = false;
  #pinned = false;
  /** A rotation failed: the newest log may end in a seal that this handle does not know of. */
  #mustPrepare = false;
  /** Some of what is buffered belongs to calls that have returned. */
  #hasReturned = false;
  /** By `Bun.nanoseconds()`. */
  #heldSince = 0;
  #heldBytes = 0;
  #poison: Error | undefined;
  #closed = false;
  /** How many logs this handle has sealed. */
  rotations = 0;
  /** How many frames it has written. */
  writes = 0;

  constructor(context: WriterContext, options: WriterOptions) {
    this.#context = context;
    this.#options = options;
    this.#sync = new LogSync(context, this);
    this.#rotation = new RotationRules(context, options, this.#sync);
  }

  get lockHeld(): boolean {
    return this.#context.lock.held;
  }

  get isUsable(): boolean {
    return !this.#closed && this.#poison === undefined;
  }

  poison(error: unknown): void {
    this.#poison ??= asError(error);
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
    this.#start();
  }

  /** Does what `begin` does if nobody has the lock; whether it did. */
  #tryBegin(): boolean {
    this.checkUsable();
    if (!this.#context.lock.tryAcquire()) return false;
    this.#start();
    return true;
  }

  /** Writes one frame, all or nothing. Call `begin` first. `urgent` hands it to the operating system at once. */
  write(mutations: readonly Mutation[], options: { readonly urgent: boolean }): void {
    if (!this.lockHeld) throw new Error("Writing takes the lock");
    const log = this.#writable();
    this.#heldBytes += hasBug("write a batch as several frames")
      ? mutations.reduce((sum, one) => sum + log.encode([one]), 0)
      : log.encode(mutations);
    this.writes += 1;
    if (this.#options.durability === "sync") this.#flush({ sync: true });
    else if (options.urgent || log.end - log.writtenEnd >= CHUNK_BYTES) this.#flush({ sync: false });
    if (this.#rotation.isDue(log)) {
      // The write has succeeded then: whatever the rotation meets is its own.
      this.#flush({ sync: false });
      this.#rotateIfPossible();
    }
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

  /** Makes what was written, and what answers rest on, durable unless `os` will do, and gives the lock back. */
  settle(durability: Durability): void {
    if (durability === "sync") {
      this.begin();
      this.#flush({ sync: true });
    }
    this.release();
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
      this.poison(error);
    }
  }

  /** Resolves when everything written before the call is on the disk; concurrent callers share one sync. */
  async sync(): Promise<void> {
    this.checkUsable();
    this.refuseWhilePinned("give the lock back");
    // Those who write in the same tick share the lock and the append as well: 64 writers are three times as fast.
    if (this.lockHeld) await Promise.resolve();
    if (this.#poison !== undefined) throw this.#poison;
    this.release();
    await this.#sync.join();
  }

  /** Seals the newest log and starts its successor; its format may change with it. Call `begin` first. */
  rotate(format?: LogFormat): void {
    const log = this.#writable();
    // A seal without a successor would end all writing.
    generationAfter(log);
    this.#flush({ sync: false });
    this.#mustPrepare = true;
    this.#seal(log);
    this.#startSuccessor(log, format ?? log.codec.format);
    this.#mustPrepare = false;
    this.rotations += 1;
  }

  /**
   * Seals the newest log if this handle wrote to it and it is longer than a tail
   * may be; whoever has the lock at this moment will do so itself.
   */
  sealLongTail(): void {
    const before = this.#ownNewest();
    if (before === undefined || !this.#rotation.hasLongTail(before) || !this.#tryBegin()) return;
    const log = this.#ownNewest();
    if (log !== undefined && this.#rotation.isTailDue(log)) this.#rotateIfPossible();
    this.release();
  }

  /** How often a log that should have been sealed had to wait for a merge. */
  get postponed(): number {
    return this.#rotation.postponed;
  }

  /** The newest log, if this handle has written to it. */
  #ownNewest(): Log | undefined {
    const { newest } = this.#context.generations;
    return newest === this.appended?.log ? newest : undefined;
  }

  /** The hint as of now; the lock must be held. */
  get hint(): Hint {
    if (this.heldHint === undefined) throw new Error("The hint is only known while the lock is held");
    return this.heldHint;
  }

  /** Changes the hint; the lock must be held. */
  putHint(change: Partial<Hint>): void {
    this.heldHint = { ...this.hint, ...change };
    this.#context.lock.writeHint(this.heldHint);
    this.#context.generations.noteSeen(this.heldHint);
  }

  /** Hands everything over, makes it durable unless `os` will do, and closes the files. */
  close(durability: Durability): void {
    try {
      this.release();
      if (durability === "sync" && this.#sync.isDue) {
        this.#sync.syncNow(this.#newest());
        this.#sync.record();
      }
    } finally {
      this.#closed = true;
      removeHolder(this);
      try {
        this.appended?.file.close();
      } finally {
        this.appended = undefined;
        this.#context.lock.close();
      }
    }
  }

  #newest(): Log {
    const { newest } = this.#context.generations;
    if (newest === undefined) throw new Error("A store that is written to has a log");
    return newest;
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
    if (generations.importsSeen) this.#removeAbandonedImports();
    this.heldHint = untouched
      ? hint
      : recover(this.#context, (file) => this.#sync.syncFile(file), this.#options.format);
    if (!untouched) this.putHint({});
    this.#useNewest();
    this.#mustPrepare = false;
  }

  #removeAbandonedImports(): void {
    const { disk, directory, generations } = this.#context;
    generations.importsSeen = false;
    removeAbandonedImports(disk, directory);
  }

  /** Points the appender and the buffer at the newest log. */
  #useNewest(): void {
    const log = this.#newest();
    if (this.appended?.log === log) return;
    this.appended?.file.close();
    this.appended = undefined;
    this.appended = { log, file: openAppender(this.#context.disk, log) };
  }

  /** The lock was taken just now. */
  #start(): void {
    try {
      this.#prepare();
    } catch (error) {
      this.#context.lock.release();
      throw error;
    }
    this.#heldSince = Bun.nanoseconds();
    this.#heldBytes = 0;
    this.#scheduleTickEnd();
  }

  #heldTooLong(): boolean {
    return this.#heldBytes >= LARGEST_HOLD_BYTES || Bun.nanoseconds() - this.#heldSince >= LONGEST_HOLD_NS;
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
      this.heldHint = undefined;
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
    const isDue = sync && !this.#sync.isSynced(log);
    if (isDue && !hasBug("acknowledge a write before its sync")) this.#sync.syncNow(log);
    const syncedBytes = Math.max(this.#sync.bytesOf(log), this.hint.syncedBytes);
    if (bytes === 0 && syncedBytes === this.hint.syncedBytes) return;
    const counter = this.hint.counter + (bytes > 0 ? 1 : 0);
    this.putHint({ counter, writtenBytes: log.size(), tailDigest: log.contentDigest, syncedBytes });
  }

  #append(log: Log): void {
    try {
      this.putHint({ counter: this.hint.counter + 1 });
      this.appended?.file.append(log.unwritten(), log.writtenEnd);
    } catch (error) {
      this.#undoAppend(log, error);
      throw error;
    }
    log.markWritten();
    this.#hasReturned = false;
    if (this.#options.durability === "os") this.#sync.startIfFar(log);
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
    this.#context.generations.version += 1;
    try {
      log.rewind();
      log.catchUp();
      const file = this.appended?.file;
      const isCut = !log.sealed && log.size() > log.end;
      if (file !== undefined && isCut && !hasBug("leave a failed append in the log")) {
        file.truncate(log.end);
        this.#sync.syncFile(file);
        log.catchUp();
      }
      this.putHint({
        counter: evenAfter(this.hint.counter),
        writtenBytes: log.end,
        tailDigest: log.contentDigest,
      });
    } catch (error) {
      this.#poison ??= asError(error);
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
    if (!hasBug("start the next log before the last one is synced")) this.#sync.syncNow(log);
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
      tailDigest: 0,
      layout: nextLayout(this.hint.layout),
    });
    this.#useNewest();
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
