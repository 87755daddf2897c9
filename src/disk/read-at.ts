import * as fs from "node:fs";
import { ioError } from "./io-error.ts";

/** `pread` until the length or the end of the file is reached. */
export function readAt(path: string, fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  const done = readIntoAt(path, fd, position, buffer);
  return done === length ? buffer : buffer.subarray(0, done);
}

/** The same into the whole of a buffer; how many bytes there were. */
export function readIntoAt(path: string, fd: number, position: number, buffer: Buffer): number {
  const { length } = buffer;
  let done = 0;
  try {
    while (done < length) {
      const count = fs.readSync(fd, buffer, done, length - done, position + done);
      if (count === 0) break;
      done += count;
    }
  } catch (error) {
    throw ioError("read", path, error);
  }
  return done;
}
