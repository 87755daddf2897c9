/** What those ask of an operating system who only read. */
export interface ReadingDisk {
  /** The path from the root, whatever the current directory becomes later. */
  absolute(path: string): string;
  /** Names in a directory, in no order; undefined when there is none. */
  list(directory: string): string[] | undefined;
  /** Opens a regular file to read; undefined when there is none of that name. */
  openToRead(path: string): ReadableFile | undefined;
  /** Names this boot of the machine, 16 bytes in hex; `UNKNOWN_BOOT` where it cannot be told. */
  bootId(): string;
}

/**
 * Everything the engine asks of an operating system. The real one is
 * `realDisk`; tests put a simulated disk in its place, which can cut the power
 * or fail any call. Every method is synchronous but `syncInBackground`, and
 * throws a `KvsError` with code `IO` whose `cause.code` is the system's.
 */
export interface Disk extends ReadingDisk {
  /** Creates one directory, mode 0700, unless it is there; its parent must exist. */
  makeDirectory(directory: string): void;
  /** Opens an existing regular file to append to. */
  openToAppend(path: string, options?: AppendOptions): AppendableFile;
  /** Creates a file, mode 0600, replacing one of that name. */
  create(path: string): AppendableFile;
  /** Opens the file that processes exclude each other with, creating it, mode 0600, if `create` is true. */
  openLock(path: string, options: { readonly create: boolean }): LockFile | undefined;
  /** Puts these bytes in the place of a file's first ones, and makes them durable. */
  writeHead(path: string, bytes: Uint8Array): void;
  rename(from: string, to: string): void;
  /** Gives a file a second name, which nothing must have yet; false where that cannot be, as on another file system. */
  link(from: string, to: string): boolean;
  /** Removes a file; one that is gone already is no error, and neither is a directory, which stays. */
  unlink(path: string): void;
  /** Removes a directory that is empty; does nothing where it is not, or is gone already. */
  removeDirectory(directory: string): void;
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(directory: string): void;
}

export interface AppendOptions {
  /** Only to sync it: that may be done to a file that has another name as well. Default false. */
  readonly onlyToSync?: boolean;
}

/** A file to read from. */
export interface ReadableFile {
  readonly path: string;
  /** Bytes from `position`; fewer only at the file's end. The buffer is the caller's. */
  read(position: number, length: number): Buffer;
  /** The same into a part of the caller's buffer, from `start` to `end`, by default all of it; how many were read. */
  readInto(target: Buffer, position: number, start?: number, end?: number): number;
  size(): number;
  /** What changes when the file is another one, or was written to. */
  stamp(): FileStamp;
  /**
   * The file's bytes without copying them, as long as it is neither written to nor
   * cut; undefined where that cannot be had. They are not the caller's to change.
   */
  map(): FileMap | undefined;
  /**
   * The same of a file that is written to, but never cut: what any process writes
   * to it shows in the bytes at once. Undefined where that is not certain.
   */
  mapLive(): FileMap | undefined;
  close(): void;
  /** The same on another thread: closing the last descriptor of a removed file takes as long as removing it. */
  closeInBackground(): void;
}

/** Which file it is, and when it was written to, in whole milliseconds since 1970. */
export interface FileStamp {
  readonly inode: number;
  readonly modified: number;
}

/** A file in memory. */
export interface FileMap {
  readonly bytes: Buffer;
  /** Gives the address space back; `bytes` is empty from then on. */
  release(): void;
}

/** A file that grows at its end. */
export interface AppendableFile {
  readonly path: string;
  /**
   * Hands the bytes to the operating system, all of them or an error; after an
   * error some may have been written, and `size` tells. `at` is the size that
   * the file has before: the end of the bytes must be the end of the file then.
   */
  append(bytes: Uint8Array, at: number): void;
  size(): number;
  /** Cuts the file's end off. */
  truncate(size: number): void;
  /**
   * Has the system begin to write what was appended to the disk, and waits for nothing: the sync that
   * follows takes less time then. A hint: it makes nothing durable, and an error is left to that sync.
   */
  beginWriteBack(position: number, bytes: number): void;
  /** Makes the content durable before it returns. */
  sync(): void;
  /** The same without blocking the thread. */
  syncInBackground(): Promise<void>;
  /** Closes the file, once a sync in the background has ended. */
  close(): void;
}

/** The file whose lock admits one writer at a time, and which holds the hint. */
export interface LockFile {
  readonly path: string;
  /** Takes the lock if nobody has it; the operating system frees it when the process dies. */
  tryLock(): boolean;
  unlock(): void;
  /** False when another file stands under the path by now: this lock then excludes nobody. */
  isCurrent(): boolean;
  read(position: number, length: number): Buffer;
  write(position: number, bytes: Uint8Array): void;
  sync(): void;
  close(): void;
}
