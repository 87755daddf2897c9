import { readUint64 } from "../format/bytes.ts";
import type { Libc } from "./libc.ts";
import type { FileStatus } from "./system-calls.ts";

/*
 * What Linux tells of a file, in `struct statx`, which is the same on all
 * architectures; little-endian on those that Bun runs on.
 */

const LINKS_AT = 16;
const MODE_AT = 28;
const INODE_AT = 32;
const SIZE_AT = 40;
const MODIFIED_SECONDS_AT = 112;
const MODIFIED_NANOSECONDS_AT = 120;
const SPECIAL_MAJOR_AT = 128;
const SPECIAL_MINOR_AT = 132;
const DEVICE_MAJOR_AT = 136;
const DEVICE_MINOR_AT = 140;
const STATX_BYTES = 256;

/** The path is relative to the current directory; or, if it is empty, the file is the one that is open. */
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const EMPTY_PATH = new Uint8Array(1);
const STATX_BASIC_STATS = 0x7ff;

const TYPE_BITS = 0o170000;
const REGULAR = 0o100000;
const CHARACTER_DEVICE = 0o020000;

/** Examines an open file; undefined where that fails. */
export function statusOfOpen(calls: Libc, fd: number): LinuxStatus | undefined {
  const found = Buffer.alloc(STATX_BYTES);
  const answer = calls.statx(fd, EMPTY_PATH, AT_EMPTY_PATH, STATX_BASIC_STATS, found);
  return answer === 0 ? new LinuxStatus(found) : undefined;
}

/** Examines what a path, with a zero byte at its end, stands for; undefined where that fails. */
export function statusOfPath(calls: Libc, path: Uint8Array): LinuxStatus | undefined {
  const found = Buffer.alloc(STATX_BYTES);
  const answer = calls.statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, found);
  return answer === 0 ? new LinuxStatus(found) : undefined;
}

/** Takes out what it is asked for: to take all out of each would be the loop that starts the compiler. */
class LinuxStatus implements FileStatus {
  readonly #found: Buffer;

  constructor(found: Buffer) {
    this.#found = found;
  }

  get isRegular(): boolean {
    return (this.#found.readUInt16LE(MODE_AT) & TYPE_BITS) === REGULAR;
  }

  get links(): number {
    return this.#found.readUInt32LE(LINKS_AT);
  }

  get size(): number {
    return readUint64(this.#found, SIZE_AT);
  }

  get inode(): number {
    return readUint64(this.#found, INODE_AT);
  }

  get device(): string {
    return `${this.#found.readUInt32LE(DEVICE_MAJOR_AT)}:${this.#found.readUInt32LE(DEVICE_MINOR_AT)}`;
  }

  get modified(): number {
    const milliseconds = Math.floor(this.#found.readUInt32LE(MODIFIED_NANOSECONDS_AT) / 1e6);
    return readUint64(this.#found, MODIFIED_SECONDS_AT) * 1000 + milliseconds;
  }

  /** Which character device it is, if it is one. */
  get character(): readonly [major: number, minor: number] | undefined {
    if ((this.#found.readUInt16LE(MODE_AT) & TYPE_BITS) !== CHARACTER_DEVICE) return undefined;
    return [this.#found.readUInt32LE(SPECIAL_MAJOR_AT), this.#found.readUInt32LE(SPECIAL_MINOR_AT)];
  }
}
