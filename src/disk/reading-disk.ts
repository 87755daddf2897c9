import { UNKNOWN_BOOT } from "../format/hint.ts";
import type { FileStamp, ReadableFile, ReadingDisk } from "./disk.ts";
import { ioError, system, systemCode } from "./io-error.ts";
import { libcCalls } from "./libc-calls.ts";
import { mapFile, mapLiveFile } from "./map-file.ts";
import { nodeFs } from "./node-fs.ts";
import type { OpenFile } from "./open-file.ts";
import { readAt, readIntoAt } from "./read-at.ts";
import type { Access, FileStatus, SystemCalls } from "./system-calls.ts";

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
    absolute: (path) => calls.absolute(path),
    list: (directory) => list(calls, directory),
    openToRead: (path) => openToRead(calls, path),
    bootId: () => bootId(calls),
  };
}

function list(calls: SystemCalls, directory: string): string[] | undefined {
  try {
    return calls.list(directory);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw ioError("open store", directory, error);
  }
}

function openToRead(calls: SystemCalls, path: string): ReadableFile | undefined {
  const file = openUnlessMissing(calls, path, "read");
  return file === undefined ? undefined : readableFile(file);
}

/** In what is no directory there is no file either; who lists it will be told. */
const IS_MISSING: ReadonlySet<string | undefined> = new Set(["ENOENT", "ENOTDIR"]);

/** Opens a file as `openFile` does; undefined where there is none. */
export function openUnlessMissing(calls: SystemCalls, path: string, access: Access): OpenFile | undefined {
  try {
    return openFile(calls, path, access);
  } catch (error) {
    if (error instanceof Error && IS_MISSING.has(systemCode(error.cause))) return undefined;
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
  const isWritten = access !== "read" && !mayBeLinked;
  return system(action, path, () => {
    const fd = calls.open(path, access);
    const reason = whyUnusable(calls.status(fd), { isWritten });
    if (reason === undefined) return { path, fd, calls };
    calls.close(fd);
    throw ioError(action, path, reason);
  });
}

function whyUnusable(found: FileStatus, { isWritten }: { readonly isWritten: boolean }): string | undefined {
  if (!found.isRegular) return "it is not a regular file";
  return isWritten && found.links > 1 ? "it has another name as well, by a hard link" : undefined;
}

function readableFile(file: OpenFile): ReadableFile {
  const { path, fd, calls } = file;
  const status = (): FileStatus => system("examine", path, () => calls.status(fd));
  return {
    path,
    read: (position, length) => readAt(file, position, length),
    readInto: (target, position, start, end) => readIntoAt(file, position, target, start, end),
    size: () => status().size,
    stamp: () => stampOf(status()),
    map: () => mapFile(path, fd),
    mapLive: () => mapLiveFile(path, fd),
    close: () => system("close", path, () => calls.close(fd)),
    // Nothing is lost by a failure to close what was only read.
    closeInBackground: () => nodeFs().close(fd, () => undefined),
  };
}

function stampOf({ inode, modified }: FileStatus): FileStamp {
  return { inode, modified };
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
