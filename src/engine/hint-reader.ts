import type { Disk, ReadableFile } from "../disk/disk.ts";
import { LOCK_NAME } from "../disk/file-names.ts";
import { HINT_BYTES, type Hint, parseHint } from "../format/hint.ts";

/** A hint that is being written fails its checksum for a moment; one that is damaged does so for good. */
const READ_ATTEMPTS = 4;

/** Reads the hint in LOCK, without locking: how a handle learns that another one wrote. */
export class HintReader {
  readonly #disk: Disk;
  readonly #path: string;
  #file: ReadableFile | undefined;
  /** What was read last: as long as nobody writes, it need not be parsed again. */
  #last: { readonly bytes: Buffer; readonly hint: Hint } | undefined;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#path = `${directory}/${LOCK_NAME}`;
  }

  /** The hint, or undefined where there is none or it is damaged. */
  read(): Hint | undefined {
    this.#file ??= this.#disk.openToRead(this.#path);
    for (let attempt = 0; this.#file !== undefined && attempt < READ_ATTEMPTS; attempt += 1) {
      const bytes = this.#file.read(0, HINT_BYTES);
      if (this.#last?.bytes.equals(bytes) === true) return this.#last.hint;
      const hint = parseHint(bytes);
      if (hint === undefined) continue;
      this.#last = { bytes, hint };
      return hint;
    }
    return undefined;
  }

  /** Closes the file; the next `read` opens it again. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
