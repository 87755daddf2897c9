import { appendableFile } from "./appendable-file.ts";
import type { AppendableFile, Disk } from "./disk.ts";
import { ioError, system, systemCode } from "./io-error.ts";
import { lockFile } from "./lock-file.ts";
import { nodeFs } from "./node-fs.ts";
import { openFile, openUnlessMissing, readingDiskBy } from "./reading-disk.ts";
import { syncHard } from "./sync.ts";
import type { SystemCalls } from "./system-calls.ts";
import { writeAt } from "./write-at.ts";

const DIRECTORY_MODE = 0o700;

/** A disk that is reached by these calls. Files are never reached through a symbolic link, and opening never waits, as it would for a FIFO. */
export function diskByCalls(calls: SystemCalls): Disk {
  return {
    ...readingDiskBy(calls),
    makeDirectory,
    openToAppend: (path, { onlyToSync = false } = {}) =>
      appendableFile(openFile(calls, path, "append", { mayBeLinked: onlyToSync })),
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
  };
}

function makeDirectory(directory: string): void {
  try {
    nodeFs().mkdirSync(directory, { mode: DIRECTORY_MODE });
  } catch (error) {
    // What is there already may still be no directory: listing it will tell.
    if (systemCode(error) !== "EEXIST") throw ioError("create directory", directory, error);
  }
}

/** Puts a new file in the place of what is there: to empty that could empty a file elsewhere, which it is a link to. */
function create(calls: SystemCalls, path: string): AppendableFile {
  try {
    return appendableFile(openFile(calls, path, "create to append"));
  } catch (error) {
    if (!(error instanceof Error) || systemCode(error.cause) !== "EEXIST") throw error;
    system("create", path, () => nodeFs().unlinkSync(path));
    return appendableFile(openFile(calls, path, "create to append"));
  }
}

function writeHead(calls: SystemCalls, path: string, bytes: Uint8Array): void {
  const file = openFile(calls, path, "update");
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
