import { resolve } from "node:path";
import { UNKNOWN_BOOT } from "../format/hint.ts";
import { appendableFile } from "./appendable-file.ts";
import type { AppendableFile, Disk, FileStamp, ReadableFile } from "./disk.ts";
import { ioError, system, systemCode } from "./io-error.ts";
import { libcCalls } from "./libc-calls.ts";
import { lockFile } from "./lock-file.ts";
import { mapFile, mapLiveFile } from "./map-file.ts";
import { nodeCalls } from "./node-calls.ts";
import { nodeFs } from "./node-fs.ts";
import type { OpenFile } from "./open-file.ts";
import { readAt, readIntoAt } from "./read-at.ts";
import { syncHard } from "./sync.ts";
import type { Access, FileStatus, SystemCalls } from "./system-calls.ts";
import { writeAt } from "./write-at.ts";

const DIRECTORY_MODE = 0o700;

const BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id";
const BOOT_ID_CHARACTERS = 36;

/**
 * The disk of this machine. Files are never reached through a symbolic link,
 * and opening never waits, as it would for a FIFO.
 */
export const realDisk: Disk = diskBy(nodeCalls);

let loadedBriefDisk: Disk | undefined;

/**
 * The same disk to a process that does one thing and ends: lookups and writes
 * without `node:fs`, so that it starts a third sooner. Who does many reads them
 * no faster so.
 */
export function briefDisk(): Disk {
  loadedBriefDisk ??= diskBy(libcCalls());
  return loadedBriefDisk;
}

/** Whether other threads and processes find the same files there. */
export function isOfThisMachine(disk: Disk): boolean {
  return disk === realDisk || disk === loadedBriefDisk;
}

function diskBy(calls: SystemCalls): Disk {
  return {
    absolute: (path) => resolve(path),
    list: (directory) => list(calls, directory),
    makeDirectory,
    openToRead: (path) => openToRead(calls, path),
    openToAppend: (path, { onlyToSync = false } = {}) =>
      appendableFile(open(calls, path, "append", { mayBeLinked: onlyToSync })),
    create: (path) => create(calls, path),
    openLock: (path, options) => {
      const file = openUnlessMissing(calls, path, options.create ? "update or create" : "update");
      return file === undefined ? undefined : lockFile(file);
    },
    writeHead: (path, bytes) => writeHead(calls, path, bytes),
    rename: (from, to) => system("rename", from, () => nodeFs().renameSync(from, to)),
    link,
    unlink,
    removeDirectory,
    syncDirectory,
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

function makeDirectory(directory: string): void {
  try {
    nodeFs().mkdirSync(directory, { mode: DIRECTORY_MODE });
  } catch (error) {
    // What is there already may still be no directory: listing it will tell.
    if (systemCode(error) !== "EEXIST") throw ioError("create directory", directory, error);
  }
}

function openToRead(calls: SystemCalls, path: string): ReadableFile | undefined {
  const file = openUnlessMissing(calls, path, "read");
  return file === undefined ? undefined : readableFile(file);
}

/** In what is no directory there is no file either; who lists it will be told. */
const IS_MISSING: ReadonlySet<string | undefined> = new Set(["ENOENT", "ENOTDIR"]);

function openUnlessMissing(calls: SystemCalls, path: string, access: Access): OpenFile | undefined {
  try {
    return open(calls, path, access);
  } catch (error) {
    if (error instanceof Error && IS_MISSING.has(systemCode(error.cause))) return undefined;
    throw error;
  }
}

/** Puts a new file in the place of what is there: to empty that could empty a file elsewhere, which it is a link to. */
function create(calls: SystemCalls, path: string): AppendableFile {
  try {
    return appendableFile(open(calls, path, "create to append"));
  } catch (error) {
    if (!(error instanceof Error) || systemCode(error.cause) !== "EEXIST") throw error;
    system("create", path, () => nodeFs().unlinkSync(path));
    return appendableFile(open(calls, path, "create to append"));
  }
}

/**
 * Opens a regular file; anything else is refused, and nothing is followed. One
 * that has another name as well is not written to: that may be anybody's file.
 */
function open(calls: SystemCalls, path: string, access: Access, { mayBeLinked = false } = {}): OpenFile {
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
    readInto: (target, position) => readIntoAt(file, position, target),
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

function writeHead(calls: SystemCalls, path: string, bytes: Uint8Array): void {
  const file = open(calls, path, "update");
  try {
    writeAt(file, 0, bytes);
    system("sync", path, () => calls.sync(file.fd));
  } finally {
    calls.close(file.fd);
  }
}

function unlink(path: string): void {
  try {
    nodeFs().unlinkSync(path);
  } catch (error) {
    const code = systemCode(error);
    // A directory of that name is none of ours.
    if (code !== "ENOENT" && code !== "EISDIR") throw ioError("remove", path, error);
  }
}

/** What a file system that has no second names for this file says, or one on which the name would be. */
const CANNOT_LINK: ReadonlySet<string | undefined> = new Set([
  "EACCES",
  "EMLINK",
  "ENOENT",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EPERM",
  "EXDEV",
]);

function link(from: string, to: string): boolean {
  try {
    nodeFs().linkSync(from, to);
    return true;
  } catch (error) {
    if (CANNOT_LINK.has(systemCode(error))) return false;
    throw ioError("create", to, error);
  }
}

function removeDirectory(directory: string): void {
  try {
    nodeFs().rmdirSync(directory);
  } catch (error) {
    const code = systemCode(error);
    if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EEXIST")
      throw ioError("remove", directory, error);
  }
}

function syncDirectory(directory: string): void {
  // Windows has no such call and needs none: NTFS journals its directories.
  if (process.platform === "win32") return;
  const fs = nodeFs();
  system("sync", directory, () => {
    const fd = fs.openSync(directory, fs.constants.O_RDONLY);
    try {
      syncHard(fd);
    } finally {
      fs.closeSync(fd);
    }
  });
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
      calls.read(fd, bytes, 0);
      return bytes.latin1Slice().replaceAll("-", "");
    } finally {
      calls.close(fd);
    }
  } catch {
    return UNKNOWN_BOOT;
  }
}
