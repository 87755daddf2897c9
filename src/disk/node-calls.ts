import type { Stats } from "node:fs";
import { absolutePath } from "./absolute-path.ts";
import { nodeFs } from "./node-fs.ts";
import { syncHard } from "./sync.ts";
import type { Access, FileStatus, SystemCalls } from "./system-calls.ts";

const FILE_MODE = 0o600;

/** The calls by way of `node:fs`, on any system. */
export const nodeCalls: SystemCalls = {
  isBrief: false,
  absolute: absolutePath,
  open: (path, access) => nodeFs().openSync(path, flagsFor(access), FILE_MODE),
  close: (fd) => nodeFs().closeSync(fd),
  read: (fd, buffer, position, start, end) => nodeFs().readSync(fd, buffer, start, end - start, position),
  write: (fd, bytes, position) => nodeFs().writeSync(fd, bytes, 0, bytes.length, position),
  status: (fd) => statusFrom(nodeFs().fstatSync(fd)),
  statusOf: (path) => {
    const found = nodeFs().statSync(path, { throwIfNoEntry: false });
    return found === undefined ? undefined : statusFrom(found);
  },
  list: (directory) => nodeFs().readdirSync(directory),
  sync: syncHard,
};

/** Windows knows neither `O_NOFOLLOW` nor `O_NONBLOCK`: there they are undefined, which counts as 0. */
function flagsFor(access: Access): number {
  const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } =
    nodeFs().constants;
  const flags: Readonly<Record<Access, number>> = {
    read: O_RDONLY,
    append: O_WRONLY | O_APPEND,
    "create to append": O_WRONLY | O_APPEND | O_CREAT | O_EXCL,
    update: O_RDWR,
    "update or create": O_RDWR | O_CREAT,
  };
  return flags[access] | O_NOFOLLOW | O_NONBLOCK;
}

function statusFrom(found: Stats): FileStatus {
  return {
    isRegular: found.isFile(),
    links: found.nlink,
    size: found.size,
    inode: found.ino,
    device: String(found.dev),
    modified: Math.floor(found.mtimeMs),
  };
}
