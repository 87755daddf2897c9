import { KvsError } from "../format/errors.ts";
import type { LockFile } from "./disk.ts";
import { ffi } from "./ffi.ts";
import { ioError, system } from "./io-error.ts";
import type { OpenFile } from "./open-file.ts";
import { readAt } from "./read-at.ts";
import { writeAt } from "./write-at.ts";

const LIBRARY: string = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";

const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

/** Same on all systems. */
const EINTR = 4;
const ENOLCK: number = process.platform === "darwin" ? 77 : 37;
const EWOULDBLOCK: number = process.platform === "darwin" ? 35 : 11;

/** The runtime's own calls may fail between ours and the look at its error: only one that comes again counts. */
const ATTEMPTS = 3;

type Flock = (fd: number, operation: number) => number;

let loadedFlock: Flock | undefined;

/** Wraps a lock file that was opened for reading and writing. */
export function lockFile(file: OpenFile): LockFile {
  const { path, fd, calls } = file;
  return {
    path,
    tryLock: () => flock(path)(fd, LOCK_EX | LOCK_NB) === 0 || retryLock(path, fd),
    unlock: () => void flock(path)(fd, LOCK_UN),
    isCurrent: () => isCurrent(file),
    read: (position, length) => readAt(file, position, length),
    write: (position, bytes) => writeAt(file, position, bytes),
    sync: () => system("sync", path, () => calls.sync(fd)),
    close: () => system("close", path, () => calls.close(fd)),
  };
}

function flock(path: string): Flock {
  loadedFlock ??= loadFlock(path);
  return loadedFlock;
}

/** Finds `flock` in the system's C library; musl answers to glibc's name as well. */
function loadFlock(path: string): Flock {
  try {
    return ffi().dlopen(LIBRARY, { flock: { args: ["i32", "i32"], returns: "i32" } }).symbols.flock;
  } catch (cause) {
    throw new KvsError(
      "IO",
      `Cannot lock "${path}": this system offers no flock, and writing without it is not safe`,
      {
        file: path,
        cause,
      },
    );
  }
}

/** Tries again, to learn why: false where somebody has the lock, an `IO` error where it cannot be had at all. */
function retryLock(path: string, fd: number): boolean {
  // Loaded before the call whose error it is to tell.
  loadedErrno ??= loadErrno();
  let code = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (flock(path)(fd, LOCK_EX | LOCK_NB) === 0) return true;
    code = loadedErrno();
    if (code === EWOULDBLOCK || code === EINTR) return false;
  }
  throw ioError("lock", path, namedError(code));
}

let loadedErrno: (() => number) | undefined;

/** Finds where the C library keeps the error of this thread's last call. */
function loadErrno(): () => number {
  const { dlopen, read } = ffi();
  const signature = { args: [], returns: "ptr" } as const;
  const place =
    process.platform === "darwin"
      ? dlopen(LIBRARY, { __error: signature }).symbols.__error
      : dlopen(LIBRARY, { __errno_location: signature }).symbols.__errno_location;
  return () => {
    const at = place();
    return at === null ? 0 : read.i32(at, 0);
  };
}

function namedError(code: number): Error {
  const error = new Error(`flock fails with error ${code}`);
  return code === ENOLCK ? Object.assign(error, { code: "ENOLCK" }) : error;
}

function isCurrent({ path, fd, calls }: OpenFile): boolean {
  const there = system("examine", path, () => calls.statusOf(path));
  const held = system("examine", path, () => calls.status(fd));
  return there !== undefined && there.inode === held.inode && there.device === held.device;
}
