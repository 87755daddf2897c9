import type { Pointer } from "bun:ffi";
import { ffi } from "./ffi.ts";

/*
 * The system's C library, called without `node:fs`: loading that takes a process
 * a fifth of its start, and sets the runtime's compiler going. What these calls
 * return tells whether they worked, and not why they did not.
 */

/** Calls of the C library of Linux; each returns -1 where it fails. Paths end with a zero byte. */
export interface Libc {
  open(path: Uint8Array, flags: number, mode: number): number;
  close(fd: number): number;
  pread(fd: number, into: Uint8Array, bytes: number, position: number): number;
  pwrite(fd: number, from: Uint8Array, bytes: number, position: number): number;
  write(fd: number, from: Uint8Array, bytes: number): number;
  getdents64(fd: number, into: Uint8Array, bytes: number): number;
  statx(directory: number, path: Uint8Array, flags: number, mask: number, into: Uint8Array): number;
  fcntl(fd: number, command: number): number;
  fdatasync(fd: number): number;
  sync_file_range(fd: number, position: number, bytes: number, flags: number): number;
  /** Where the error of this thread's last call is, in the process's memory. */
  __errno_location(): Pointer | null;
}

/** Errors that a sync may end with, as Linux numbers them. */
const ERRORS: Readonly<Record<number, string | undefined>> = {
  5: "EIO",
  28: "ENOSPC",
  30: "EROFS",
  122: "EDQUOT",
};

const LIBRARY = "libc.so.6";

/** `FFIType.i64_fast`: a number in JavaScript, as long as one can hold it. */
const LONG = 15;

let loaded: Libc | undefined;
let isTried = false;

/** The C library of Linux with glibc; undefined elsewhere, or where the runtime cannot call it. */
export function libc(): Libc | undefined {
  if (isTried) return loaded;
  isTried = true;
  try {
    if (process.platform === "linux") loaded = load();
  } catch {
    // Whoever asks has another way.
  }
  return loaded;
}

/** The error of a call that has just failed. */
export function lastError(calls: Libc, action: string): Error {
  const at = calls.__errno_location();
  const number = at === null ? 0 : ffi().read.i32(at, 0);
  const code = ERRORS[number];
  const error = new Error(`${action} fails with error ${number}`);
  return code === undefined ? error : Object.assign(error, { code });
}

function load(): Libc {
  return ffi().dlopen(LIBRARY, {
    open: { args: ["buffer", "i32", "i32"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
    pread: { args: ["i32", "buffer", LONG, LONG], returns: LONG },
    pwrite: { args: ["i32", "buffer", LONG, LONG], returns: LONG },
    write: { args: ["i32", "buffer", LONG], returns: LONG },
    getdents64: { args: ["i32", "buffer", LONG], returns: LONG },
    statx: { args: ["i32", "buffer", "i32", "u32", "buffer"], returns: "i32" },
    fcntl: { args: ["i32", "i32"], returns: "i32" },
    fdatasync: { args: ["i32"], returns: "i32" },
    sync_file_range: { args: ["i32", LONG, LONG, "u32"], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
  }).symbols as unknown as Libc;
}
