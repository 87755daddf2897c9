import type { Disk, ReadableFile } from "../disk/disk.ts";
import { logName } from "../disk/file-names.ts";
import { BINARY_SEAL_BYTES } from "../format/binary-codec.ts";
import type { ByteWriter } from "../format/bytes.ts";
import type { LogCodec } from "../format/codec.ts";
import { KvsError } from "../format/errors.ts";
import type { Interval, LogHeader } from "../format/header.ts";
import { JSON_SEAL } from "../format/json-codec.ts";
import type { EncodedKey } from "../format/key.ts";
import { codecFor, formatOf, parseLogHeader } from "../format/log-header.ts";
import {
  type FrameRecord,
  LogTally,
  type ParsedFrame,
  type RecordRef,
  type StoredRecord,
} from "../format/record.ts";

const HEADER_GUESS_BYTES = 4096;
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Where the readable part of a log ends too early, and why. */
export interface Fault {
  readonly offset: number;
  readonly reason: string;
}

/** Bytes that belong behind the file's end and have not been written yet. */
export interface UnwrittenBytes {
  readonly start: number;
  readonly bytes: ByteWriter;
}

/**
 * One open log: a generation's records, the index of their keys, and what is
 * known of its end. The index is built by reading the log, at first use.
 */
export class Log implements Interval {
  readonly first: number;
  readonly last: number;
  readonly name: string;
  readonly path: string;
  readonly header: LogHeader;
  readonly codec: LogCodec;
  /** Where the first frame starts. */
  readonly headerBytes: number;
  readonly #file: ReadableFile;
  readonly #index = new Map<EncodedKey, RecordRef>();
  readonly #tally = new LogTally();
  #end: number;
  #recordBytes = 0;
  #sealed = false;
  #fault: Fault | undefined;
  #sortedKeys: readonly EncodedKey[] | undefined;
  #users = 1;
  unwritten: UnwrittenBytes | undefined;

  /** Opens a log and checks its head; undefined when there is no such file. */
  static open(disk: Disk, directory: string, interval: Interval): Log | undefined {
    const file = disk.openToRead(`${directory}/${logName(interval)}`);
    if (file === undefined) return undefined;
    try {
      return new Log(file, interval);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  private constructor(file: ReadableFile, interval: Interval) {
    this.path = file.path;
    this.first = interval.first;
    this.last = interval.last;
    this.name = logName(interval);
    this.#file = file;
    const { header, headerBytes, codec } = this.#readHeader();
    this.header = header;
    this.headerBytes = headerBytes;
    this.codec = codec;
    this.#end = headerBytes;
  }

  /** End of the last whole frame that is known, written or not; the seal is not counted. */
  get end(): number {
    return this.#end;
  }

  /** True once a seal was read and agreed with the records before it. */
  get sealed(): boolean {
    return this.#sealed;
  }

  /** What stands behind `end` and is no frame. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** Bytes of all records, their frames not counted. */
  get recordBytes(): number {
    return this.#recordBytes;
  }

  get tally(): Readonly<Pick<LogTally, "records" | "digest">> {
    return this.#tally;
  }

  get index(): ReadonlyMap<EncodedKey, RecordRef> {
    return this.#index;
  }

  /** Reads the frames that were not read yet. */
  catchUp(): void {
    // Nothing is written to a sealed log any more, and what is wrong with it stays so.
    if (this.#sealed) return;
    this.#fault = undefined;
    let size = this.#file.size();
    let window: Buffer = Buffer.alloc(0);
    let windowAt = this.#end;
    while (this.#end < size && this.#fault === undefined && !this.#sealed) {
      const frame = this.codec.parseFrame(window, this.#end - windowAt, this.#end);
      if (frame.status !== "incomplete") {
        this.#accept(frame, size);
      } else if (windowAt + window.length >= size) {
        this.#fault = { offset: this.#end, reason: "the last record breaks off" };
      } else {
        const wanted = Math.min(size - this.#end, Math.max(frame.needed, CHUNK_BYTES));
        windowAt = this.#end;
        window = this.#file.read(windowAt, wanted);
        // The end may have been cut off meanwhile by a writer whose append failed.
        if (window.length < wanted) size = windowAt + window.length;
      }
    }
  }

  /** Reads a log that has a successor, once; anything but a whole log with its seal is damage. */
  loadSealed(): void {
    // It may have been read while it was written to: its seal came later then.
    if (!this.#sealed) this.catchUp();
    if (this.#sealed && this.#fault === undefined) return;
    throw this.damage(this.#fault ?? { offset: this.#end, reason: "the log breaks off before its seal" });
  }

  /** True when the file's last bytes are a seal for a log of this length: a cheap check that it is whole. */
  endsWithSeal(): boolean {
    const size = this.#file.size();
    const sealBytes = this.codec.format === "binary" ? BINARY_SEAL_BYTES : JSON_SEAL.length;
    const at = size - sealBytes;
    if (at < this.headerBytes) return false;
    const before = this.#file.read(at - 1, 1 + sealBytes);
    const frame = this.codec.parseFrame(before, 1, at);
    if (frame.status !== "seal") return false;
    return frame.summary === undefined ? before[0] === NEWLINE : frame.summary.length === at;
  }

  /** Forgets what was read, to read it again. */
  reset(): void {
    this.#end = this.headerBytes;
    this.#index.clear();
    this.#tally.records = 0;
    this.#tally.digest = 0;
    this.#recordBytes = 0;
    this.#sealed = false;
    this.#sortedKeys = undefined;
    this.unwritten = undefined;
  }

  /** Takes a frame in that was appended, or is about to be, at `end`. */
  add(records: readonly FrameRecord[], frameBytes: number): void {
    const keys = this.#index.size;
    for (const record of records) {
      this.#tally.add(record.checksum);
      this.#index.set(record.key, record);
      this.#recordBytes += record.length;
    }
    this.#end += frameBytes;
    if (this.#index.size > keys) this.#sortedKeys = undefined;
  }

  /** Notes that the seal was appended. */
  markSealed(): void {
    this.#sealed = true;
  }

  /** The log's keys, removed ones among them, in bytewise order. */
  sortedKeys(): readonly EncodedKey[] {
    this.#sortedKeys ??= [...this.#index.keys()].toSorted(compareKeys);
    return this.#sortedKeys;
  }

  /** Reads one record; what fails a check, or is another key's, is damage. */
  read(key: EncodedKey, ref: RecordRef): StoredRecord {
    const record = this.codec.decodeRecord(this.#bytesOf(ref), ref.position);
    if (record === undefined)
      throw this.damage({ offset: ref.position, reason: "a record fails its checksum" });
    if (record.key !== key || record.kind !== ref.kind) {
      throw this.damage({ offset: ref.position, reason: "another record stands there" });
    }
    return record;
  }

  /** The error for damage in this log. */
  damage(fault: Fault): KvsError {
    return new KvsError("CORRUPT", `Cannot read "${this.path}": ${fault.reason} at offset ${fault.offset}`, {
      file: this.path,
      offset: fault.offset,
    });
  }

  /** The file's size, unwritten bytes not counted. */
  size(): number {
    return this.#file.size();
  }

  /** Keeps the file open until `release` was called as often as this, and once more. */
  retain(): void {
    this.#users += 1;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#file.close();
  }

  #bytesOf({ position, length }: RecordRef): Buffer {
    const { unwritten } = this;
    // With nothing buffered, what stands behind the start is what others appended.
    if (unwritten === undefined || unwritten.bytes.length === 0 || position < unwritten.start) {
      return this.#file.read(position, length);
    }
    const at = position - unwritten.start;
    // A copy: the buffer is written over once its bytes are in the file.
    return Buffer.from(unwritten.bytes.view(at, at + length));
  }

  #accept(frame: Exclude<ParsedFrame, { status: "incomplete" }>, size: number): void {
    if (frame.status === "records") return this.add(frame.records, frame.length);
    if (frame.status === "damaged") {
      this.#fault = { offset: this.#end, reason: frame.reason };
    } else if (frame.summary !== undefined && !this.#tally.matches(frame.summary, this.#end)) {
      this.#fault = { offset: this.#end, reason: "the seal contradicts the records before it" };
    } else {
      this.#sealed = true;
      const after = this.#end + frame.length;
      if (size > after) this.#fault = { offset: after, reason: "something stands behind the seal" };
    }
  }

  #readHeader(): { readonly header: LogHeader; readonly headerBytes: number; readonly codec: LogCodec } {
    let bytes = this.#file.read(0, HEADER_GUESS_BYTES);
    let parsed = parseLogHeader(bytes);
    const size = this.#file.size();
    while (parsed.status === "incomplete" && bytes.length < size) {
      bytes = this.#file.read(0, Math.min(parsed.needed, size));
      parsed = parseLogHeader(bytes);
    }
    if (parsed.status === "version") throw this.#unsupported(parsed.version);
    if (parsed.status !== "header") {
      throw this.damage({
        offset: 0,
        reason: parsed.status === "damaged" ? parsed.reason : "its header breaks off",
      });
    }
    const { header, length } = parsed;
    if (header.first !== this.first || header.last !== this.last) {
      throw this.damage({ offset: 0, reason: `its header is that of "${logName(header)}"` });
    }
    return { header, headerBytes: length, codec: codecFor(formatOf(bytes) ?? "binary", header.logId) };
  }

  #unsupported(version: number): KvsError {
    const message = `Cannot open "${this.path}": format version is ${version}, expected 1`;
    return new KvsError("UNSUPPORTED_VERSION", message, { file: this.path });
  }
}

/** Bytewise order. */
export function compareKeys(a: EncodedKey, b: EncodedKey): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
