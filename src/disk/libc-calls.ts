import { workingDirectory } from "./absolute-path.ts";
import { lastError, type Libc, libc } from "./libc.ts";
import { nodeCalls } from "./node-calls.ts";
import { statusOfOpen, statusOfPath } from "./statx.ts";
import type { Access, SystemCalls } from "./system-calls.ts";

/** Of Linux; the last two differ from one architecture to the other. */
const O_RDONLY = 0;
const O_WRONLY = 0o1;
const O_RDWR = 0o2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_APPEND = 0o2000;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const [O_DIRECTORY, O_NOFOLLOW]: readonly [number, number] =
  process.arch === "arm64" ? [0o40000, 0o100000] : [0o200000, 0o400000];

const FLAGS: Readonly<Record<Access, number>> = {
  read: O_RDONLY,
  append: O_WRONLY | O_APPEND,
  "create to append": O_WRONLY | O_APPEND | O_CREAT | O_EXCL,
  update: O_RDWR,
  "update or create": O_RDWR | O_CREAT,
};
const FILE_MODE = 0o600;

/** The names of most stores fit in at once. */
const LISTING_BYTES = 4 * 1024;

/** In `struct linux_dirent64`: bytes of the entry, and its name, which ends with a zero byte. */
const ENTRY_LENGTH_AT = 16;
const ENTRY_NAME_AT = 19;

/** A UTF-16 unit takes at most so many. */
const UTF8_BYTES_PER_UNIT = 3;

/**
 * The calls by way of the C library, and of `node:fs` where there is none. What
 * fails is tried again there, which tells why, so that nothing of it has to be
 * known here. That does no harm, but to a sync: one that is tried again may
 * succeed without what the first has lost.
 */
export function libcCalls(): SystemCalls {
  const calls = libc();
  if (calls === undefined) return nodeCalls;
  return {
    isBrief: true,
    absolute: (path) => absolute(path) ?? nodeCalls.absolute(path),
    open: (path, access) => {
      const fd = open(calls, path, FLAGS[access] | O_NOFOLLOW | O_NONBLOCK);
      return fd < 0 ? nodeCalls.open(path, access) : fd;
    },
    close: (fd) => void calls.close(fd),
    read: (fd, buffer, position, start, end) => {
      // A view of a buffer takes longer to make than most reads need.
      const target = start === 0 ? buffer : buffer.subarray(start);
      const count = calls.pread(fd, target, Math.min(end, buffer.length) - start, position);
      return count < 0 ? nodeCalls.read(fd, buffer, position, start, end) : count;
    },
    write: (fd, bytes, position) => {
      const count = calls.pwrite(fd, bytes, bytes.length, position);
      return count < 0 ? nodeCalls.write(fd, bytes, position) : count;
    },
    status: (fd) => statusOfOpen(calls, fd) ?? nodeCalls.status(fd),
    statusOf: (path) => statusOfPath(calls, pathBytes(path)) ?? nodeCalls.statusOf(path),
    list: (directory) => list(calls, directory) ?? nodeCalls.list(directory),
    sync: (fd) => {
      if (calls.fdatasync(fd) !== 0) throw lastError(calls, "fdatasync");
    },
  };
}

/** Without loading `node:path`, if that takes no more than putting the current directory before it. */
function absolute(path: string): string | undefined {
  const plain = path.startsWith("./") ? path.slice(2) : path;
  const isOdd = plain === "" || plain.endsWith(".") || plain.endsWith("/");
  if (isOdd || plain.includes("./") || plain.includes("//")) return undefined;
  if (plain.startsWith("/")) return plain;
  const directory = workingDirectory();
  return directory === "/" ? `/${plain}` : `${directory}/${plain}`;
}

function open(calls: Libc, path: string, flags: number): number {
  // What C takes for the path's end would be taken for another path.
  if (path.includes("\0")) return -1;
  return calls.open(pathBytes(path), flags | O_CLOEXEC, FILE_MODE);
}

/** Undefined where any of it fails. */
function list(calls: Libc, directory: string): string[] | undefined {
  const fd = open(calls, directory, O_DIRECTORY);
  if (fd < 0) return undefined;
  const names: string[] = [];
  const entries = Buffer.allocUnsafe(LISTING_BYTES);
  let bytes = calls.getdents64(fd, entries, entries.length);
  while (bytes > 0) {
    addNames(entries, bytes, names);
    bytes = calls.getdents64(fd, entries, entries.length);
  }
  calls.close(fd);
  return bytes < 0 ? undefined : names;
}

function addNames(entries: Buffer, bytes: number, names: string[]): void {
  for (let at = 0; at < bytes; at += entries.readUInt16LE(at + ENTRY_LENGTH_AT)) {
    const nameAt = at + ENTRY_NAME_AT;
    const name = entries.utf8Slice(nameAt, entries.indexOf(0, nameAt));
    if (name !== "." && name !== "..") names.push(name);
  }
}

/** As C takes it. (`Buffer.from` takes a tenth of a millisecond the first time.) */
function pathBytes(path: string): Buffer {
  const bytes = Buffer.alloc(path.length * UTF8_BYTES_PER_UNIT + 1);
  bytes.utf8Write(path, 0);
  return bytes;
}
