import * as fs from "node:fs";
import { KvsError } from "../format/errors.ts";
import { system } from "./io-error.ts";

/** Writes all bytes at a place in a file that was not opened for appending. */
export function writeAt(path: string, fd: number, position: number, bytes: Uint8Array): void {
  // A short count is no error yet; going on shows what stands in the way.
  for (let done = 0; done < bytes.length;) {
    const at = done;
    const count = system("write to", path, () =>
      fs.writeSync(fd, bytes, at, bytes.length - at, position + at),
    );
    if (count === 0)
      throw new KvsError("IO", `Cannot write to "${path}": nothing was written`, { file: path });
    done += count;
  }
}
