import type { Disk, LockFile } from "../disk/disk.ts";
import { LOCK_NAME } from "../disk/file-names.ts";
import { KvsError } from "../format/errors.ts";
import { encodeHint, HOLDER_AT, type Hint, POSTPONED_AT, WAITER_MARK_AT } from "../format/hint.ts";
import { hasBug } from "../format/seeded-bugs.ts";
import { giveBackAll } from "./held-locks.ts";

const SHORTEST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 1.5;
const PID_BYTES = 4;
const COUNT_BYTES = 4;

/** The waiter's mark. */
const NOBODY = 0;
const WAITING = 1;

/** Free for so long, the lock was found so by every process that polls. */
const FREE_MS = 3;

/** How long one who waits is given to come and take the lock: where there are more processes than processors it may take a while. */
const LONGEST_YIELD_MS = 30;

/**
 * Whoever takes the lock again and again, and leaves it free only for moments,
 * makes room for others after this long: they poll, and would hardly ever find it free.
 */
const LONGEST_TURN_MS = 50;

/** The lock that admits one writer at a time to a store, and the hint that goes with it. */
export class WriteLock {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #waitMs: number;
  readonly #onOpen: (file: { readonly replaced: boolean }) => void;
  #file: LockFile | undefined;
  #held = false;
  /** When it was given back last, and since when it was never free for long. */
  #freeSinceMs = 0;
  #busySinceMs = 0;

  /** `onOpen` is called when LOCK is opened, and when it was found to be another file by now. */
  constructor(
    disk: Disk,
    directory: string,
    waitMs: number,
    onOpen: (file: { readonly replaced: boolean }) => void,
  ) {
    this.#disk = disk;
    this.#path = `${directory}/${LOCK_NAME}`;
    this.#waitMs = waitMs;
    this.#onOpen = onOpen;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Waits for the lock, at most so long; then throws `LOCKED`, naming the holder. */
  acquire(waitMs: number = this.#waitMs): void {
    this.#endLongTurn();
    if (!this.tryAcquire()) this.#wait(waitMs);
  }

  /** Takes the lock if it is free; whether it did. */
  tryAcquire(): boolean {
    if (this.#file === undefined) {
      this.#file = this.#openFile();
      this.#onOpen({ replaced: false });
    }
    if (!this.#file.tryLock() && !hasBug("write without the lock")) return false;
    this.#held = true;
    try {
      if (this.#file.isCurrent()) {
        this.#leaveName(this.#file);
        return true;
      }
    } catch (error) {
      this.release();
      throw error;
    }
    // Somebody removed LOCK: whoever locks the new one would not see ours.
    this.close();
    this.#onOpen({ replaced: true });
    return false;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#file?.unlock();
    this.#freeSinceMs = performance.now();
  }

  #endLongTurn(): void {
    const now = performance.now();
    if (now - this.#freeSinceMs >= FREE_MS) this.#busySinceMs = now;
    if (now - this.#busySinceMs < LONGEST_TURN_MS) return;
    this.#busySinceMs = now;
    this.yieldToWaiters();
  }

  /** Lets a process that waits go first, if there is one; the lock must not be held. */
  yieldToWaiters(): void {
    const end = performance.now() + LONGEST_YIELD_MS;
    while (this.#file?.read(WAITER_MARK_AT, 1)[0] === WAITING) {
      // Whoever left the mark has died, or others wait as well and have left it again.
      if (performance.now() >= end) this.#mark(NOBODY);
      else Bun.sleepSync(SHORTEST_PAUSE_MS);
    }
  }

  #mark(mark: number): void {
    this.#file?.write(WAITER_MARK_AT, Buffer.of(mark));
  }

  writeHint(hint: Hint): void {
    this.#file?.write(0, encodeHint(hint));
  }

  /** Counts, for `stats`, that a new log waits for a merge; the lock must be held. */
  countPostponed(): void {
    const count = this.#file?.read(POSTPONED_AT, COUNT_BYTES);
    const next = Buffer.alloc(COUNT_BYTES);
    next.writeUInt32LE(((count?.length === COUNT_BYTES ? count.readUInt32LE(0) : 0) + 1) >>> 0);
    this.#file?.write(POSTPONED_AT, next);
  }

  close(): void {
    this.release();
    const file = this.#file;
    this.#file = undefined;
    file?.close();
  }

  #openFile(): LockFile {
    const file = this.#disk.openLock(this.#path, { create: true });
    if (file !== undefined) return file;
    throw new KvsError("IO", `Cannot lock "${this.#path}": there is no such directory`, { file: this.#path });
  }

  #leaveName(file: LockFile): void {
    const pid = Buffer.alloc(PID_BYTES);
    pid.writeUInt32LE(process.pid);
    file.write(HOLDER_AT, pid);
  }

  #wait(waitMs: number): void {
    const deadline = performance.now() + waitMs;
    giveBackAll();
    let pause = SHORTEST_PAUSE_MS;
    while (!this.tryAcquire()) {
      if (performance.now() >= deadline) throw this.#locked(waitMs);
      this.#mark(WAITING);
      Bun.sleepSync(pause * (1 + Math.random() / 2));
      pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS);
    }
    this.#mark(NOBODY);
  }

  #locked(waitMs: number): KvsError {
    const bytes = this.#file?.read(HOLDER_AT, PID_BYTES);
    const holder = bytes?.length === PID_BYTES ? ` by process ${bytes.readUInt32LE(0)}` : "";
    const message = `Cannot lock "${this.#path}": it was held${holder} for longer than ${waitMs} ms`;
    return new KvsError("LOCKED", message, { file: this.#path });
  }
}
