import * as fs from "node:fs";
import { KvsError } from "../format/errors.ts";
import type { LockFile } from "./disk.ts";
import { system } from "./io-error.ts";
import { readAt } from "./read-at.ts";
import { syncHard } from "./sync.ts";
import { writeAt } from "./write-at.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

type Flock = (fd: number, operation: number) => number;

let loadedFlock: Flock | undefined;

/** Wraps the descriptor of a lock file, opened for reading and writing. */
export function openLockFile(path: string, fd: number): LockFile {
  return {
    path,
    // With LOCK_NB every failure that matters here means that somebody has it.
    tryLock: () => flock(path)(fd, LOCK_EX | LOCK_NB) === 0,
    unlock: () => void flock(path)(fd, LOCK_UN),
    isCurrent: () => isCurrent(path, fd),
    read: (position, length) => readAt(path, fd, position, length),
    write: (position, bytes) => writeAt(path, fd, position, bytes),
    sync: () => system("sync", path, () => syncHard(fd)),
    close: () => system("close", path, () => fs.closeSync(fd)),
  };
}

function flock(path: string): Flock {
  loadedFlock ??= loadFlock(path);
  return loadedFlock;
}

/** Finds `flock` in the system's C library; musl answers to glibc's name as well. */
function loadFlock(path: string): Flock {
  const library = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
  try {
    // Required here and not above: readers never lock, and loading it takes time.
    const ffi = require("bun:ffi") as typeof import("bun:ffi");
    return ffi.dlopen(library, { flock: { args: ["i32", "i32"], returns: "i32" } }).symbols.flock;
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

function isCurrent(path: string, fd: number): boolean {
  const there = system("examine", path, () => fs.statSync(path, { throwIfNoEntry: false }));
  const held = system("examine", path, () => fs.fstatSync(fd));
  return there !== undefined && there.ino === held.ino && there.dev === held.dev;
}
