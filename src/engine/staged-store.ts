import type { AppendableFile, Disk, ReadableFile } from "../disk/disk.ts";
import { LOCK_NAME, logName, parentOf, parseTemporaryName, temporaryName } from "../disk/file-names.ts";
import { KvsError } from "../format/errors.ts";
import type { Interval } from "../format/header.ts";
import { closeQuietly } from "./close-quietly.ts";
import { WriteLock } from "./write-lock.ts";

/** A copy is synced after each of these, so that one huge sync does not stall every other one on the disk. */
const SYNC_INTERVAL_BYTES: number = 8 * 1024 * 1024;

/** What is to be made in a directory, and how. */
export interface Staging {
  /** What is being done, for messages: `restore into`. */
  readonly action: string;
  /** The directory becomes a store that is written to: LOCK stays. */
  readonly keepsLock: boolean;
}

/**
 * A store that comes into being in an absent or empty directory. Its logs are
 * written under their temporary names, which to everybody else is no store yet.
 * `publish` gives them their names, the one last without which the others are not
 * taken for a store: whatever it dies at, there is a whole store or none.
 * The write lock is held meanwhile, so that nobody else starts a store there.
 */
export class StagedStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #staging: Staging;
  readonly #lock: WriteLock;
  readonly #isNew: boolean;
  readonly #staged: Interval[] = [];
  #isPublished = false;

  /** Takes the directory; throws `IO` unless it is absent or empty. */
  static begin(disk: Disk, directory: string, staging: Staging): StagedStore {
    const names = disk.list(directory);
    if (names !== undefined) refuseUnlessEmpty(directory, names, staging);
    if (names === undefined) disk.makeDirectory(directory);
    const lock = new WriteLock(disk, directory, 0, () => undefined);
    const store = new StagedStore(disk, directory, staging, lock, names === undefined);
    try {
      lock.acquire();
      const others = disk.list(directory)?.filter((name) => name !== LOCK_NAME) ?? [];
      refuseUnlessEmpty(directory, others, staging);
      return store;
    } catch (error) {
      lock.close();
      // One that could not be written to, as on a full disk, is in the way of the next attempt.
      closeQuietly(() => store.#removeUnused());
      throw error;
    }
  }

  private constructor(disk: Disk, directory: string, staging: Staging, lock: WriteLock, isNew: boolean) {
    this.#disk = disk;
    this.#directory = directory;
    this.#staging = staging;
    this.#lock = lock;
    this.#isNew = isNew;
  }

  /** Starts a log. */
  create(interval: Interval): StagedLog {
    this.#staged.push(interval);
    return new StagedLog(this.#disk.create(this.#temporary(interval)));
  }

  /** Makes a log of a file that is whole and durable, without copying it; false where that cannot be. */
  link(from: string, interval: Interval): boolean {
    const isLinked = this.#disk.link(from, this.#temporary(interval));
    if (isLinked) this.#staged.push(interval);
    return isLinked;
  }

  /** Opens a log that was finished. */
  open(interval: Interval): ReadableFile {
    const file = this.#disk.openToRead(this.#temporary(interval));
    if (file !== undefined) return file;
    throw new KvsError("IO", `Cannot ${this.#staging.action} "${this.#directory}": its files were removed`);
  }

  /** Gives the logs their names, `last` last. */
  publish(last: Interval): void {
    const others = this.#staged.filter((interval) => interval !== last);
    for (const interval of others) this.#rename(interval);
    this.#disk.syncDirectory(this.#directory);
    this.#rename(last);
    this.#isPublished = true;
    if (!this.#staging.keepsLock) this.#disk.unlink(`${this.#directory}/${LOCK_NAME}`);
    this.#disk.syncDirectory(this.#directory);
    this.#disk.syncDirectory(parentOf(this.#directory));
  }

  /** Lets go of the directory, and leaves nothing in it of what was not published. */
  end(): void {
    try {
      if (!this.#isPublished) this.#removeAll();
    } finally {
      this.#lock.close();
    }
  }

  /** Removes LOCK, and the directory, while nothing else is there and nobody holds it: what others have put there meanwhile is theirs. */
  #removeUnused(): void {
    const path = `${this.#directory}/${LOCK_NAME}`;
    const file = this.#disk.openLock(path, { create: false });
    try {
      if (file !== undefined) {
        const isAlone = this.#disk.list(this.#directory)?.length === 1;
        if (!isAlone || !file.tryLock() || !file.isCurrent()) return;
        this.#disk.unlink(path);
      }
      if (this.#isNew) this.#disk.removeDirectory(this.#directory);
    } finally {
      file?.close();
    }
  }

  #removeAll(): void {
    for (const interval of this.#staged) {
      this.#disk.unlink(this.#temporary(interval));
      this.#disk.unlink(this.#path(interval));
    }
    this.#disk.unlink(`${this.#directory}/${LOCK_NAME}`);
    if (this.#isNew) this.#disk.removeDirectory(this.#directory);
  }

  #rename(interval: Interval): void {
    this.#disk.rename(this.#temporary(interval), this.#path(interval));
  }

  #path(interval: Interval): string {
    return `${this.#directory}/${logName(interval)}`;
  }

  #temporary(interval: Interval): string {
    return temporaryName(this.#path(interval));
  }
}

/** A log that is being written. */
export class StagedLog {
  readonly #file: AppendableFile;
  #synced = 0;
  /** Bytes so far. */
  size = 0;

  constructor(file: AppendableFile) {
    this.#file = file;
  }

  append(bytes: Uint8Array): void {
    this.#file.append(bytes, this.size);
    this.size += bytes.length;
    if (this.size - this.#synced < SYNC_INTERVAL_BYTES) return;
    this.#file.sync();
    this.#synced = this.size;
  }

  /** Makes it durable. */
  finish(): void {
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}

function refuseUnlessEmpty(directory: string, names: readonly string[], { action }: Staging): void {
  if (names.length === 0) return;
  const isUnfinished = names.every((name) => name === LOCK_NAME || parseTemporaryName(name) !== undefined);
  const reason = isUnfinished
    ? "it holds a store that was not finished, remove that first"
    : "it is not empty";
  throw new KvsError("IO", `Cannot ${action} "${directory}": ${reason}`, { file: directory });
}
