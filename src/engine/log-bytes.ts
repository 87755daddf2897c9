import type { FileMap, FileStamp, ReadableFile } from "../disk/disk.ts";
import { ByteWriter } from "../format/bytes.ts";
import { noteGarbage } from "./garbage.ts";
import type { LogOptions } from "./log-options.ts";

const TAIL_BYTES = 64 * 1024;

/** What is read where a record's length is not known: most records end within it. */
const GUESSED_BYTES = 4096;

/** Up to here it costs less to read than to ask first whether the file is long enough. */
const TRUSTED_LENGTH = 1024 * 1024;

/** Memory comes in pieces of this size. */
const CACHE_LINE = 64;

/** A file is read through in pieces of this size. */
const READ_BYTES: number = 1024 * 1024;

/**
 * The bytes of one log, wherever they are: those at its end in memory, also the
 * ones that are still to be written; the others mapped, or read when asked for.
 */
export class LogBytes {
  readonly #file: ReadableFile;
  readonly #onPiece: LogOptions["onPiece"];
  #useMap: boolean;
  /** Where the first frame starts. */
  readonly #start: number;
  readonly #tail = new ByteWriter(TAIL_BYTES);
  #tailStart: number;
  #map: FileMap | undefined;
  #mapTried = false;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  /** Read at least this much at once: more than is asked for where what follows will be as well. */
  readAhead = 0;
  /** How much of a scan's next records is read at once, if the file is not mapped; 0 for a few records. */
  farAhead = 0;
  /** Where `locate` found what it was asked for. */
  buffer: Buffer = Buffer.alloc(0);
  offset = 0;
  /** What `touch` met. */
  touched = 0;

  constructor(file: ReadableFile, start: number, { map, onPiece }: Pick<LogOptions, "map" | "onPiece">) {
    this.#file = file;
    this.#onPiece = onPiece;
    this.#start = start;
    this.#tailStart = start;
    this.#useMap = map;
  }

  /** End of the bytes in memory: what comes next in the file, or will be appended to it. */
  get tailEnd(): number {
    return this.#tailStart + this.#tail.length;
  }

  /** The buffer whose end is the log's end: a writer puts its frames there. */
  get tail(): ByteWriter {
    return this.#tail;
  }

  size(): number {
    return this.#file.size();
  }

  stamp(): FileStamp {
    return this.#file.stamp();
  }

  /** A copy of a part of the file. */
  read(position: number, length: number): Buffer {
    return this.#file.read(position, length);
  }

  isInTail(position: number): boolean {
    return position >= this.#tailStart && position < this.tailEnd;
  }

  /**
   * Finds the bytes from `position` on, and leaves them in `buffer` at `offset`:
   * `length` of them, or with length 0 some. False where the file ends before.
   * The buffer may be the map, and is good until the next call.
   */
  locate(position: number, length: number): boolean {
    if (this.isInTail(position)) {
      this.buffer = this.#tail.whole();
      this.offset = position - this.#tailStart;
      return position + length <= this.tailEnd;
    }
    const map = this.#mapped();
    if (map !== undefined) {
      this.buffer = map.bytes;
      this.offset = position;
      return position + length <= map.bytes.length;
    }
    return this.#locateInFile(position, length);
  }

  /**
   * Has the processor fetch what stands at these places of the map, if there is one: in
   * a loop that waits for none of them, since what follows does not depend on what is
   * read. Three pieces each; of what is longer, the rest comes by itself. The map.
   */
  touch(positions: readonly number[]): Buffer | undefined {
    const map = this.#mapped()?.bytes;
    if (map === undefined) return undefined;
    let sum = 0;
    for (let index = 0; index < positions.length; index += 1) {
      const at = positions[index] ?? 0;
      sum += (map[at] ?? 0) + (map[at + CACHE_LINE] ?? 0) + (map[at + 2 * CACHE_LINE] ?? 0);
    }
    // What nobody uses is not loaded.
    this.touched = sum;
    return map;
  }

  /** Whether what stands at a position is in memory of this object's own. */
  holds(position: number, length: number): boolean {
    const isInWindow =
      position >= this.#windowStart && position + length <= this.#windowStart + this.#window.length;
    return isInWindow || this.isInTail(position);
  }

  /** Reads a part of the file into one of a buffer; how many bytes there were. */
  readInto(target: Buffer, position: number, start: number, end: number): number {
    return this.#file.readInto(target, position, start, end);
  }

  /** The whole file, if it is mapped or can be. */
  mapped(): Buffer | undefined {
    return this.#mapped()?.bytes;
  }

  /** Reads the next bytes of the file into memory, up to `size`; false if the file ends before. */
  extendTail(bytes: number): boolean {
    this.#onPiece?.();
    const start = this.#tail.length;
    const target = this.#tail.reserve(bytes).subarray(start, start + bytes);
    const read = this.#file.readInto(target, this.tailEnd);
    this.#tail.length += read;
    return read === bytes;
  }

  /** The bytes in memory, and where in the log they start, if these are all there are. */
  wholeTail(): { readonly tail: Buffer | undefined; readonly start: number } {
    const isWhole = this.#tailStart === this.#start;
    return { tail: isWhole ? this.#tail.whole() : undefined, start: this.#tailStart };
  }

  /** Where in `tail` a position of the log is. */
  tailOffset(position: number): number {
    return position - this.#tailStart;
  }

  /** Bytes in memory, from a position on. */
  tailView(position: number): Buffer {
    return this.#tail.view(position - this.#tailStart);
  }

  /** Forgets what is in memory from a position on. */
  cutTail(position: number): void {
    if (position < this.#tailStart) this.#tailStart = position;
    this.#tail.length = position - this.#tailStart;
  }

  /** Forgets the bytes before a position, all of which are in the file, if memory holds more than `bytes`. */
  trimTail(position: number, bytes: number): void {
    if (this.#tail.length <= bytes) return;
    const kept = Buffer.from(this.tailView(position));
    this.#tail.clear();
    this.#tail.append(kept);
    this.#tailStart = position;
  }

  close(): void {
    this.#unmap();
    this.#file.close();
  }

  closeInBackground(): void {
    // The map goes first: the last hold on a removed file is what takes long to let go.
    this.#unmap();
    this.#file.closeInBackground();
  }

  /** Has the file read and not mapped, unless it is mapped already, and so many bytes of a scan's next records at once. */
  readFarAhead(bytes: number): void {
    this.#useMap = false;
    this.farAhead = bytes;
  }

  /**
   * Reads the whole file once, and maps it then, whatever the options say: a bad
   * sector is met by the reading, where it is an error. False where it cannot be mapped.
   */
  mapOnceRead(): boolean {
    const target = Buffer.allocUnsafe(READ_BYTES);
    for (let at = 0; ; at += READ_BYTES) if (this.#file.readInto(target, at) < READ_BYTES) break;
    this.#useMap = true;
    return this.#mapped() !== undefined;
  }

  #unmap(): void {
    this.#map?.release();
    this.#map = undefined;
  }

  /** The whole file; only what is not written to any more is mapped. */
  #mapped(): FileMap | undefined {
    if (this.#mapTried) return this.#map;
    if (!this.#useMap || !this.isComplete) return undefined;
    this.#mapTried = true;
    this.#map = this.#file.map();
    return this.#map;
  }

  /** Set once nothing is written to the file any more. */
  isComplete = false;

  #locateInFile(position: number, length: number): boolean {
    const window = this.#window;
    const wanted = length === 0 ? GUESSED_BYTES : length;
    const end = this.#windowStart + window.length;
    if (position < this.#windowStart || position + wanted > end) {
      // No more memory than there are bytes: a length may be damaged.
      if (wanted > TRUSTED_LENGTH && wanted > this.#file.size() - position) return false;
      this.#window = this.#file.read(position, Math.max(wanted, this.readAhead));
      noteGarbage(this.#window.length);
      this.#windowStart = position;
    }
    this.buffer = this.#window;
    this.offset = position - this.#windowStart;
    return this.buffer.length > this.offset && this.offset + length <= this.buffer.length;
  }
}
