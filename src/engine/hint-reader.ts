import type { ReadingDisk, FileMap, ReadableFile } from "../disk/disk.ts";
import { LOCK_NAME } from "../disk/file-names.ts";
import { HINT_BYTES, HINT_CHANGE_WORDS, type Hint, parseHint, POSTPONED_AT } from "../format/hint.ts";

/** A hint that is being written fails its checksum for a moment; one that is damaged does so for good. */
const READ_ATTEMPTS = 4;

const COUNT_BYTES = 4;

/** After so many reads it is worth mapping the file. */
const READS_BEFORE_MAP = 32;

/** Reads the hint in LOCK, without locking: how a handle learns that another one wrote. */
export class HintReader {
  readonly #disk: ReadingDisk;
  readonly #path: string;
  readonly #mayMap: boolean;
  #file: ReadableFile | undefined;
  /** What was read last: as long as nobody writes, it need not be parsed again. */
  #last: { readonly bytes: Buffer; readonly hint: Hint } | undefined;
  #reads = 0;
  #watch: HintWatch | undefined;

  /** With `map`, one that reads often looks at the file's memory. */
  constructor(disk: ReadingDisk, directory: string, { map = false }: { readonly map?: boolean } = {}) {
    this.#disk = disk;
    this.#path = `${directory}/${LOCK_NAME}`;
    this.#mayMap = map;
  }

  /** The hint, or undefined where there is none or it is damaged. */
  read(): Hint | undefined {
    // Three loads from memory instead of a system call: most of what a lookup would take.
    if (this.#last !== undefined && this.#watch?.isUnchanged() === true) return this.#last.hint;
    this.#file ??= this.#disk.openToRead(this.#path);
    for (let attempt = 0; this.#file !== undefined && attempt < READ_ATTEMPTS; attempt += 1) {
      const bytes = this.#file.read(0, HINT_BYTES);
      if (this.#last?.bytes.equals(bytes) === true) return this.#seen(this.#file, this.#last);
      const hint = parseHint(bytes);
      if (hint !== undefined) return this.#seen(this.#file, { bytes, hint });
    }
    return undefined;
  }

  /** How often a new log had to wait for a merge, since LOCK was created. */
  postponedRotations(): number {
    this.#file ??= this.#disk.openToRead(this.#path);
    const bytes = this.#file?.read(POSTPONED_AT, COUNT_BYTES);
    return bytes?.length === COUNT_BYTES ? bytes.readUInt32LE(0) : 0;
  }

  /** Closes the file; the next `read` opens it again. */
  close(): void {
    this.#watch?.release();
    this.#watch = undefined;
    this.#reads = 0;
    this.#file?.close();
    this.#file = undefined;
  }

  #seen(file: ReadableFile, last: { readonly bytes: Buffer; readonly hint: Hint }): Hint {
    this.#last = last;
    this.#reads += 1;
    if (this.#mayMap && this.#reads === READS_BEFORE_MAP) this.#watch = HintWatch.of(file);
    this.#watch?.note(last.bytes);
    return last.hint;
  }
}

/** Tells from the file's own memory whether the hint is still the one that was noted. */
class HintWatch {
  readonly #map: FileMap;
  #words: Int32Array;
  readonly #noted = new Int32Array(HINT_BYTES / 4);

  static of(file: ReadableFile): HintWatch | undefined {
    const map = file.mapLive();
    if (map !== undefined && map.bytes.length >= HINT_BYTES) return new HintWatch(map);
    map?.release();
    return undefined;
  }

  private constructor(map: FileMap) {
    this.#map = map;
    this.#words = new Int32Array(map.bytes.buffer, map.bytes.byteOffset, HINT_BYTES / 4);
  }

  note(hint: Buffer): void {
    Buffer.from(this.#noted.buffer).set(hint);
  }

  isUnchanged(): boolean {
    const words = this.#words;
    // Loads that are not atomic might be taken out of the caller's loop.
    for (const word of HINT_CHANGE_WORDS) {
      if (Atomics.load(words, word) !== this.#noted[word]) return false;
    }
    return true;
  }

  release(): void {
    this.#words = new Int32Array();
    this.#map.release();
  }
}
