import { type Libc, libc } from "../disk/libc.ts";
import { statusOfOpen } from "../disk/statx.ts";
import { nodeFs } from "../disk/node-fs.ts";

/** What a standard stream is, as far as those need to know who read it or write to it. */
export interface Descriptor {
  /** A device, and not /dev/null. */
  readonly mayBeTerminal: boolean;
  /**
   * The program was started with this descriptor closed. Bun opens /dev/null in its
   * place, so that no other file gets its number; that one is told by its flag: it is
   * closed when another program takes the process over, so nobody can inherit it.
   */
  readonly wasClosed: boolean;
}

const NO_DEVICE: Descriptor = { mayBeTerminal: false, wasClosed: false };

/** Linux gives /dev/null these numbers. */
const NULL_MAJOR = 1;
const NULL_MINOR = 3;

const F_GETFD = 1;
const FD_CLOEXEC = 1;

/** The same flag as Linux shows it in /proc. */
const O_CLOEXEC = 0o2000000;

const described: Array<Descriptor | undefined> = [];

/** Examines an open descriptor, once: what it is stays so. */
export function describe(fd: number): Descriptor {
  const calls = libc();
  return (described[fd] ??= (calls === undefined ? undefined : describeBy(calls, fd)) ?? describeByNode(fd));
}

function describeBy(calls: Libc, fd: number): Descriptor | undefined {
  const status = statusOfOpen(calls, fd);
  if (status?.character === undefined) return status === undefined ? undefined : NO_DEVICE;
  const [major, minor] = status.character;
  return {
    mayBeTerminal: major !== NULL_MAJOR || minor !== NULL_MINOR,
    wasClosed: (calls.fcntl(fd, F_GETFD) & FD_CLOEXEC) !== 0,
  };
}

function describeByNode(fd: number): Descriptor {
  const fs = nodeFs();
  try {
    const status = fs.fstatSync(fd);
    if (!status.isCharacterDevice()) return NO_DEVICE;
    return { mayBeTerminal: status.rdev !== fs.statSync("/dev/null").rdev, wasClosed: isClosedOnExec(fd) };
  } catch {
    return NO_DEVICE;
  }
}

function isClosedOnExec(fd: number): boolean {
  try {
    const info = nodeFs().readFileSync(`/proc/self/fdinfo/${fd}`, "latin1");
    const [, flags = ""] = /^flags:\s*([0-7]+)$/m.exec(info) ?? [];
    return (Number.parseInt(flags, 8) & O_CLOEXEC) !== 0;
  } catch {
    // Other systems do not say.
    return false;
  }
}
