import type { AppendableFile, AppendOptions, Disk, LockFile, ReadableFile } from "../../src/disk/disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { KvsError } from "../../src/index.ts";

/** One call of the engine to its disk. */
export interface DiskCall {
  /** Counts from 0. */
  readonly index: number;
  /** As `rename`; of files as `append.sync`, `readable.read`, `lock.write`. */
  readonly method: string;
  readonly path: string;
  /** Bytes that are to be appended. */
  readonly bytes: number;
}

/** What becomes of a call: nothing special, or an error, after some of the bytes were appended. */
export type Verdict = { readonly error: Error; readonly appendFirst?: number } | undefined;

/** A process that died in the middle of a call. */
export class Crash extends Error {
  override readonly name: string = "Crash";
}

/** A system error, as the real disk reports one. */
export function systemError(code: string, path: string): KvsError {
  const cause = Object.assign(new Error(code), { code });
  return new KvsError("IO", `Cannot use "${path}": ${code}`, { file: path, cause });
}

/**
 * The disk of this machine, every call of which is first shown to `decide`. What
 * is synced is not really synced, since the machine goes on: that is slow and
 * proves nothing.
 */
export class HookedDisk implements Disk {
  /** All calls so far. */
  readonly calls: DiskCall[] = [];
  readonly #decide: (call: DiskCall) => Verdict;
  readonly #open = new Set<{ close(): void }>();
  #crashed = false;

  constructor(decide: (call: DiskCall) => Verdict = () => undefined) {
    this.#decide = decide;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** Dies: frees locks and descriptors as the system would, and answers no call from now on. */
  crash(): void {
    this.#crashed = true;
    for (const file of this.#open) file.close();
    this.#open.clear();
  }

  absolute(path: string): string {
    return realDisk.absolute(path);
  }

  bootId(): string {
    return realDisk.bootId();
  }

  list(directory: string): string[] | undefined {
    this.#enter("list", directory);
    return realDisk.list(directory);
  }

  makeDirectory(directory: string): void {
    this.#enter("makeDirectory", directory);
    realDisk.makeDirectory(directory);
  }

  openToRead(path: string): ReadableFile | undefined {
    this.#enter("openToRead", path);
    const file = realDisk.openToRead(path);
    return file === undefined ? undefined : this.#readable(file);
  }

  openToAppend(path: string, options?: AppendOptions): AppendableFile {
    this.#enter("openToAppend", path);
    return this.#appendable(realDisk.openToAppend(path, options));
  }

  create(path: string): AppendableFile {
    this.#enter("create", path);
    return this.#appendable(realDisk.create(path));
  }

  openLock(path: string, options: { readonly create: boolean }): LockFile | undefined {
    this.#enter("openLock", path);
    const file = realDisk.openLock(path, options);
    return file === undefined ? undefined : this.#lock(file);
  }

  writeHead(path: string, bytes: Uint8Array): void {
    this.#enter("writeHead", path, bytes.length);
    const file = realDisk.openLock(path, { create: false });
    file?.write(0, bytes);
    file?.close();
  }

  rename(from: string, to: string): void {
    this.#enter("rename", to);
    realDisk.rename(from, to);
  }

  link(from: string, to: string): boolean {
    this.#enter("link", to);
    return realDisk.link(from, to);
  }

  removeDirectory(directory: string): void {
    this.#enter("removeDirectory", directory);
    realDisk.removeDirectory(directory);
  }

  unlink(path: string): void {
    this.#enter("unlink", path);
    realDisk.unlink(path);
  }

  syncDirectory(directory: string): void {
    this.#enter("syncDirectory", directory);
  }

  #enter(method: string, path: string, bytes = 0, partly?: (length: number) => void): void {
    if (this.#crashed) throw new Crash(`${method} after the crash`);
    const call = { index: this.calls.length, method, path, bytes };
    this.calls.push(call);
    const verdict = this.#decide(call);
    if (verdict === undefined) return;
    if (verdict.appendFirst !== undefined && verdict.appendFirst > 0) partly?.(verdict.appendFirst);
    if (verdict.error instanceof Crash) this.crash();
    throw verdict.error;
  }

  #close(method: string, file: { readonly path: string; close(): void }): void {
    // What is closed with an error is closed all the same.
    if (this.#open.delete(file)) file.close();
    this.#enter(method, file.path);
  }

  #readable(file: ReadableFile): ReadableFile {
    this.#open.add(file);
    const { path } = file;
    return {
      path,
      read: (position, length) => {
        this.#enter("readable.read", path);
        return file.read(position, length);
      },
      readInto: (target, position, start, end) => {
        this.#enter("readable.read", path);
        return file.readInto(target, position, start, end);
      },
      size: () => {
        this.#enter("readable.size", path);
        return file.size();
      },
      stamp: () => {
        this.#enter("readable.stamp", path);
        return file.stamp();
      },
      map: () => {
        this.#enter("readable.map", path);
        return file.map();
      },
      mapLive: () => {
        this.#enter("readable.mapLive", path);
        return file.mapLive();
      },
      close: () => this.#close("readable.close", file),
      closeInBackground: () => this.#close("readable.close", file),
    };
  }

  #appendable(file: AppendableFile): AppendableFile {
    this.#open.add(file);
    const { path } = file;
    return {
      path,
      append: (bytes, at) => {
        this.#enter("append.append", path, bytes.length, (length) =>
          file.append(bytes.subarray(0, length), at),
        );
        file.append(bytes, at);
      },
      size: () => {
        this.#enter("append.size", path);
        return file.size();
      },
      truncate: (size) => {
        this.#enter("append.truncate", path);
        file.truncate(size);
      },
      beginWriteBack: () => this.#enter("append.beginWriteBack", path),
      sync: () => this.#enter("append.sync", path),
      syncInBackground: async () => {
        this.#enter("append.syncInBackground", path);
      },
      close: () => this.#close("append.close", file),
    };
  }

  #lock(file: LockFile): LockFile {
    this.#open.add(file);
    const { path } = file;
    return {
      path,
      tryLock: () => {
        this.#enter("lock.tryLock", path);
        return file.tryLock();
      },
      unlock: () => {
        // The system frees a lock whatever else goes wrong.
        if (!this.#crashed) file.unlock();
      },
      isCurrent: () => {
        this.#enter("lock.isCurrent", path);
        return file.isCurrent();
      },
      read: (position, length) => {
        this.#enter("lock.read", path);
        return file.read(position, length);
      },
      write: (position, bytes) => {
        this.#enter("lock.write", path, bytes.length);
        file.write(position, bytes);
      },
      sync: () => this.#enter("lock.sync", path),
      close: () => this.#close("lock.close", file),
    };
  }
}

/** A disk that does nothing special, quickly. */
export function fastDisk(): Disk {
  return new HookedDisk();
}
