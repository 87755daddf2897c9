import { KvsError } from "../format/errors.ts";
import { UNKNOWN_BOOT } from "../format/hint.ts";
import type { ReadableFile, ReadingDisk } from "./disk.ts";
import { ioError, system, systemCode } from "./io-error.ts";
import { libcCalls } from "./libc-calls.ts";
import { mapFile, mapLiveFile } from "./map-file.ts";
import { nodeFs } from "./node-fs.ts";
import type { OpenFile } from "./open-file.ts";
import { readIntoAt } from "./read-at.ts";
import type { Access, SystemCalls } from "./system-calls.ts";

const BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id";
const BOOT_ID_CHARACTERS = 36;

/**
 * The disk of this machine to a process that looks one thing up and ends: without
 * `node:fs`, and without what only writers need.
 */
export function briefReadingDisk(): ReadingDisk {
  return readingDiskBy(libcCalls());
}

/** What those ask of this machine's disk who only read. */
export function readingDiskBy(calls: SystemCalls): ReadingDisk {
  return {
    // The working directory may have been removed.
    absolute: (path) => system("open store", path, () => calls.absolute(path)),
    list: (directory) => {
      try {
        return calls.list(directory);
      } catch (error) {
        if (systemCode(error) === "ENOENT") return undefined;
        throw ioError("open store", directory, error);
      }
    },
    openToRead: (path) => {
      const file = openUnlessMissing(calls, path, "read");
      return file === undefined ? undefined : readableFile(file);
    },
    bootId: () => bootId(calls),
  };
}

/** In what is no directory there is no file either; who lists it will be told. */
function isMissing(code: string | undefined): boolean {
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Opens a file as `openFile` does; undefined where there is none. */
export function openUnlessMissing(calls: SystemCalls, path: string, access: Access): OpenFile | undefined {
  try {
    return openFile(calls, path, access);
  } catch (error) {
    if (error instanceof Error && isMissing(systemCode(error.cause))) return undefined;
    throw error;
  }
}

/**
 * Opens a regular file; anything else is refused, and nothing is followed. One
 * that has another name as well is not written to: that may be anybody's file.
 */
export function openFile(
  calls: SystemCalls,
  path: string,
  access: Access,
  { mayBeLinked = false }: { readonly mayBeLinked?: boolean } = {},
): OpenFile {
  const action = access === "create to append" ? "create" : "open";
  try {
    const fd = calls.open(path, access);
    const found = calls.status(fd);
    const isWritten = access !== "read" && !mayBeLinked;
    if (found.isRegular && !(isWritten && found.links > 1)) return { path, fd, calls };
    calls.close(fd);
    throw ioError(action, path, found.isRegular ? HAS_OTHER_NAMES : IS_NOT_REGULAR);
  } catch (error) {
    throw error instanceof KvsError ? error : ioError(action, path, error);
  }
}

const IS_NOT_REGULAR = "it is not a regular file";
const HAS_OTHER_NAMES = "it has another name as well, by a hard link";

/** Functions that do their work by themselves: a process that looks one key up runs each for the first time. */
function readableFile(file: OpenFile): ReadableFile {
  const { path, fd, calls } = file;
  return {
    path,
    read: (position, length) => {
      const buffer = Buffer.allocUnsafe(length);
      const done = readIntoAt(file, position, buffer);
      return done === length ? buffer : buffer.subarray(0, done);
    },
    readInto: (target, position, start, end) => readIntoAt(file, position, target, start, end),
    size: () => {
      try {
        return calls.status(fd).size;
      } catch (error) {
        throw ioError("examine", path, error);
      }
    },
    stamp: () => {
      const { inode, modified } = system("examine", path, () => calls.status(fd));
      return { inode, modified };
    },
    map: () => mapFile(path, fd),
    mapLive: () => mapLiveFile(path, fd),
    close: () => {
      try {
        calls.close(fd);
      } catch (error) {
        throw ioError("close", path, error);
      }
    },
    // Nothing is lost by a failure to close what was only read.
    closeInBackground: () => nodeFs().close(fd, () => undefined),
  };
}

let knownBootId: string | undefined;

function bootId(calls: SystemCalls): string {
  knownBootId ??= readBootId(calls);
  return knownBootId;
}

function readBootId(calls: SystemCalls): string {
  try {
    const fd = calls.open(BOOT_ID_PATH, "read");
    try {
      const bytes = Buffer.alloc(BOOT_ID_CHARACTERS);
      calls.read(fd, bytes, 0, 0, bytes.length);
      return bytes.latin1Slice().replaceAll("-", "");
    } finally {
      calls.close(fd);
    }
  } catch {
    return UNKNOWN_BOOT;
  }
}
