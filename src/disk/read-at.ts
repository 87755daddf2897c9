import { ioError } from "./io-error.ts";
import type { OpenFile } from "./open-file.ts";

/** `pread` until the length or the end of the file is reached. */
export function readAt(file: OpenFile, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  const done = readIntoAt(file, position, buffer);
  return done === length ? buffer : buffer.subarray(0, done);
}

/** The same into a buffer, or the part of it from `start` to `end`; how many bytes there were. */
export function readIntoAt(
  { path, fd, calls }: OpenFile,
  position: number,
  buffer: Buffer,
  start = 0,
  end: number = buffer.length,
): number {
  let done = 0;
  try {
    while (start + done < end) {
      const count = calls.read(fd, buffer, position + done, start + done, end);
      if (count === 0) break;
      done += count;
    }
  } catch (error) {
    throw ioError("read", path, error);
  }
  return done;
}
