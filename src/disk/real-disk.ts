import * as fs from "node:fs";
import { resolve } from "node:path";
import { UNKNOWN_BOOT } from "../format/hint.ts";
import { appendableFile } from "./appendable-file.ts";
import type { AppendableFile, Disk, FileStamp, ReadableFile } from "./disk.ts";
import { ioError, system, systemCode } from "./io-error.ts";
import { openLockFile } from "./lock-file.ts";
import { mapFile, mapLiveFile } from "./map-file.ts";
import { readAt, readIntoAt } from "./read-at.ts";
import { syncHard } from "./sync.ts";
import { writeAt } from "./write-at.ts";

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants;
const O_WRITE: number = O_WRONLY | O_RDWR;

/**
 * The disk of this machine. Files are never reached through a symbolic link,
 * and opening never waits, as it would for a FIFO.
 */
export const realDisk: Disk = {
  absolute: (path) => resolve(path),
  list,
  makeDirectory,
  openToRead,
  openToAppend: (path, { onlyToSync = false } = {}) =>
    appendableFile(path, open("open", path, O_WRONLY | O_APPEND, { mayBeLinked: onlyToSync })),
  create,
  openLock: (path, options) => {
    const fd = openUnlessMissing(path, O_RDWR | (options.create ? O_CREAT : 0));
    return fd === undefined ? undefined : openLockFile(path, fd);
  },
  writeHead,
  rename: (from, to) => system("rename", from, () => fs.renameSync(from, to)),
  link,
  unlink,
  removeDirectory,
  syncDirectory,
  bootId,
};

function list(directory: string): string[] | undefined {
  try {
    return fs.readdirSync(directory);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw ioError("open store", directory, error);
  }
}

function makeDirectory(directory: string): void {
  try {
    fs.mkdirSync(directory, { mode: DIRECTORY_MODE });
  } catch (error) {
    // What is there already may still be no directory: listing it will tell.
    if (systemCode(error) !== "EEXIST") throw ioError("create directory", directory, error);
  }
}

function openToRead(path: string): ReadableFile | undefined {
  const fd = openUnlessMissing(path, O_RDONLY);
  return fd === undefined ? undefined : readableFile(path, fd);
}

/** In what is no directory there is no file either; who lists it will be told. */
const IS_MISSING: ReadonlySet<string | undefined> = new Set(["ENOENT", "ENOTDIR"]);

function openUnlessMissing(path: string, flags: number): number | undefined {
  try {
    return open("open", path, flags);
  } catch (error) {
    if (error instanceof Error && IS_MISSING.has(systemCode(error.cause))) return undefined;
    throw error;
  }
}

/** Puts a new file in the place of what is there: to empty that could empty a file elsewhere, which it is a link to. */
function create(path: string): AppendableFile {
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_EXCL;
  try {
    return appendableFile(path, open("create", path, flags));
  } catch (error) {
    if (!(error instanceof Error) || systemCode(error.cause) !== "EEXIST") throw error;
    system("create", path, () => fs.unlinkSync(path));
    return appendableFile(path, open("create", path, flags));
  }
}

/**
 * Opens a regular file; anything else is refused, and nothing is followed. One
 * that has another name as well is not written to: that may be anybody's file.
 * (Windows knows neither flag: there they are undefined, which counts as 0.)
 */
function open(action: string, path: string, flags: number, { mayBeLinked = false } = {}): number {
  const isWritten = (flags & O_WRITE) !== 0 && !mayBeLinked;
  return system(action, path, () => {
    const fd = fs.openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
    const reason = whyUnusable(fs.fstatSync(fd), { isWritten });
    if (reason === undefined) return fd;
    fs.closeSync(fd);
    throw ioError(action, path, reason);
  });
}

function whyUnusable(found: fs.Stats, { isWritten }: { readonly isWritten: boolean }): string | undefined {
  if (!found.isFile()) return "it is not a regular file";
  return isWritten && found.nlink > 1 ? "it has another name as well, by a hard link" : undefined;
}

function readableFile(path: string, fd: number): ReadableFile {
  return {
    path,
    read: (position, length) => readAt(path, fd, position, length),
    readInto: (target, position) => readIntoAt(path, fd, position, target),
    size: () => system("examine", path, () => fs.fstatSync(fd).size),
    stamp: () => stampOf(path, fd),
    map: () => mapFile(path, fd),
    mapLive: () => mapLiveFile(path, fd),
    close: () => system("close", path, () => fs.closeSync(fd)),
    // Nothing is lost by a failure to close what was only read.
    closeInBackground: () => fs.close(fd, () => undefined),
  };
}

function stampOf(path: string, fd: number): FileStamp {
  const { ino, mtimeMs } = system("examine", path, () => fs.fstatSync(fd));
  return { inode: ino, modified: Math.floor(mtimeMs) };
}

function writeHead(path: string, bytes: Uint8Array): void {
  const fd = open("open", path, O_WRONLY);
  try {
    writeAt(path, fd, 0, bytes);
    system("sync", path, () => syncHard(fd));
  } finally {
    fs.closeSync(fd);
  }
}

function unlink(path: string): void {
  try {
    fs.unlinkSync(path);
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
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if (CANNOT_LINK.has(systemCode(error))) return false;
    throw ioError("create", to, error);
  }
}

function removeDirectory(directory: string): void {
  try {
    fs.rmdirSync(directory);
  } catch (error) {
    const code = systemCode(error);
    if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EEXIST")
      throw ioError("remove", directory, error);
  }
}

function syncDirectory(directory: string): void {
  // Windows has no such call and needs none: NTFS journals its directories.
  if (process.platform === "win32") return;
  system("sync", directory, () => {
    const fd = fs.openSync(directory, O_RDONLY);
    try {
      syncHard(fd);
    } finally {
      fs.closeSync(fd);
    }
  });
}

let knownBootId: string | undefined;

function bootId(): string {
  knownBootId ??= readBootId();
  return knownBootId;
}

function readBootId(): string {
  try {
    return fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim().replaceAll("-", "");
  } catch {
    return UNKNOWN_BOOT;
  }
}
