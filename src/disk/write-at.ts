import { KvsError } from "../format/errors.ts";
import { system } from "./io-error.ts";
import type { OpenFile } from "./open-file.ts";

/** Writes all bytes at a place in a file that was not opened for appending. */
export function writeAt({ path, fd, calls }: OpenFile, position: number, bytes: Uint8Array): void {
  // A short count is no error yet; going on shows what stands in the way.
  for (let done = 0; done < bytes.length;) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    const at = position + done;
    const count = system("write to", path, () => calls.write(fd, rest, at));
    if (count === 0)
      throw new KvsError("IO", `Cannot write to "${path}": nothing was written`, { file: path });
    done += count;
  }
}
