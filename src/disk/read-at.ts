import { ioError } from "./io-error.ts";
import type { OpenFile } from "./open-file.ts";

/** `pread` until the length or the end of the file is reached. */
export function readAt(file: OpenFile, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  const done = readIntoAt(file, position, buffer);
  return done === length ? buffer : buffer.subarray(0, done);
}

/** The same into the whole of a buffer; how many bytes there were. */
export function readIntoAt({ path, fd, calls }: OpenFile, position: number, buffer: Buffer): number {
  let done = 0;
  try {
    while (done < buffer.length) {
      // A view of a buffer takes longer to make than most reads need.
      const rest = done === 0 ? buffer : buffer.subarray(done);
      const count = calls.read(fd, rest, position + done);
      if (count === 0) break;
      done += count;
    }
  } catch (error) {
    throw ioError("read", path, error);
  }
  return done;
}
