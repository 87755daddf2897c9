import * as fs from "node:fs";
import { system } from "./io-error.ts";

/** `pread` until the length or the end of the file is reached. */
export function readAt(path: string, fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = system("read", path, () => fs.readSync(fd, buffer, done, length - done, position + done));
    if (count === 0) return buffer.subarray(0, done);
    done += count;
  }
  return buffer;
}
