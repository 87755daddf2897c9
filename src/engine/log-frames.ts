import { crc32 } from "../format/bytes.ts";
import type { KvsError } from "../format/errors.ts";
import type { LogCodec, ScannedFrame, ScanSink } from "../format/codec.ts";
import { type EncodedRecord, LogTally } from "../format/record.ts";
import { noteGarbage } from "./garbage.ts";
import type { LogBytes } from "./log-bytes.ts";

const CHUNK_BYTES = 256 * 1024;

/** Where the readable part of a log ends too early, and why. */
export interface Fault {
  readonly offset: number;
  readonly reason: string;
  /** Where the damage itself stands, if not at `offset`. */
  readonly at?: number | undefined;
}

/** What LOCK says of a log's bytes between its header and `end`. */
export interface TrustedTail {
  readonly end: number;
  /** CRC-32 of those bytes. */
  readonly digest: number;
}

/** Who is told of the records of frames that were read or added. */
export interface RecordSink {
  note(position: number, length: number): void;
  /** Everything is told once more, from the first record on. */
  restart(): void;
  /** Nothing from a position on is there. */
  cut(position: number): void;
  /** The error for damage in the log. */
  damage(fault: Fault): KvsError;
}

/** What is known of a log's whole frames up to `end`. */
interface Extent {
  readonly end: number;
  /** CRC-32 of the bytes between the header and `end`. */
  readonly contentDigest: number;
  readonly records: number;
  readonly digest: number;
  readonly recordBytes: number;
}

/**
 * The frames of one log, read from its start or added at its end: how far they
 * are whole, what they add up to, and where they stop being frames.
 */
export class LogFrames {
  readonly #bytes: LogBytes;
  readonly #codec: LogCodec;
  readonly #headerBytes: number;
  readonly #sink: RecordSink;
  readonly #scanned = new ScannedRecords();
  readonly #tally = new LogTally();
  #end: number;
  #recordBytes = 0;
  #contentDigest = 0;
  /** How far `#contentDigest` goes. */
  #digestEnd: number;
  #written: Extent;
  #isTrusted = false;
  #sealed = false;
  #fault: Fault | undefined;

  constructor(bytes: LogBytes, codec: LogCodec, headerBytes: number, sink: RecordSink) {
    this.#bytes = bytes;
    this.#codec = codec;
    this.#headerBytes = headerBytes;
    this.#sink = sink;
    this.#end = headerBytes;
    this.#digestEnd = headerBytes;
    this.#written = this.#extent();
  }

  /** End of the last whole frame that is known, written or not; the seal is not counted. */
  get end(): number {
    return this.#end;
  }

  /** What is known to be in the file; what follows it is buffered. */
  get written(): Readonly<Pick<Extent, "end" | "contentDigest">> {
    return this.#written;
  }

  /** True once a seal was read and agreed with the records before it, or was appended, or the end that needs none was read. */
  get sealed(): boolean {
    return this.#sealed;
  }

  /** What stands behind `end` and is no frame. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** True while the first frames were verified by their digest alone: the sink was not told of them then. */
  get isTrusted(): boolean {
    return this.#isTrusted;
  }

  /** Bytes of the records that were read or added, their frames not counted. */
  get recordBytes(): number {
    this.parseTrusted();
    return this.#recordBytes;
  }

  get tally(): Readonly<Pick<LogTally, "records" | "digest">> {
    this.parseTrusted();
    return this.#tally;
  }

  /** Reads on to the end of the log, keeping about `keepBytes` of it in memory; `note` is told of each whole frame's records. */
  read(keepBytes: number, note: (position: number, length: number) => void): void {
    this.#fault = undefined;
    try {
      this.#readFrames(keepBytes, note);
    } finally {
      // What is no whole frame is read again: it may be another one by then.
      this.#bytes.cutTail(this.#end);
    }
    if (!this.#codec.endsInSeal) this.#sealed = this.#fault === undefined;
  }

  #readFrames(keepBytes: number, note: (position: number, length: number) => void): void {
    const bytes = this.#bytes;
    let size = bytes.size();
    // Room for all of it at once: a buffer that grows leaves as much garbage behind as it has bytes.
    if (size - this.#end <= keepBytes) bytes.tail.reserve(size - bytes.tailEnd);
    let window = bytes.tail.view();
    while (this.#end < size && this.#fault === undefined && !this.#sealed) {
      this.#scanned.clear();
      const frame = this.#codec.scanFrame(window, bytes.tailOffset(this.#end), this.#end, this.#scanned);
      if (frame.status !== "incomplete") {
        this.#accept(frame, size, note);
      } else if (bytes.tailEnd >= size) {
        if (!this.#codec.endsInSeal) break;
        this.#fault = { offset: this.#end, reason: "the last record breaks off" };
      } else {
        this.#sumUp();
        bytes.trimTail(this.#end, keepBytes);
        const wanted = Math.max(this.#end + frame.needed - bytes.tailEnd, CHUNK_BYTES);
        noteGarbage(wanted);
        // The end may have been cut off meanwhile by a writer whose append failed.
        if (!bytes.extendTail(Math.min(size - bytes.tailEnd, wanted))) size = bytes.tailEnd;
        window = bytes.tail.view();
      }
    }
  }

  /** Reads on and tells the sink; what is as `trusted` says it is needs no further look. */
  catchUp(keepBytes: number, trusted?: TrustedTail): void {
    if (this.#written.end !== this.#end)
      throw new Error("What is buffered is written before the log is read on");
    try {
      if (trusted !== undefined && this.#end === this.#headerBytes) this.#trust(trusted, keepBytes);
      this.read(keepBytes, (position, length) => this.#sink.note(position, length));
    } finally {
      // What was taken in before a call failed is in the file, and is not read again.
      this.#written = this.#extent();
    }
  }

  /** Why the log is not a whole one with its seal; undefined if it is. */
  whyIncomplete(): Fault | undefined {
    if (this.#fault !== undefined || this.#sealed) return this.#fault;
    return { offset: this.#end, reason: "the log breaks off before its seal" };
  }

  /** Takes a frame in that was put at the end of the tail. */
  add(records: readonly EncodedRecord[], frameBytes: number): void {
    this.#scanned.clear();
    for (const { position, length, checksum } of records) this.#scanned.record(position, length, checksum);
    this.#count(frameBytes, (position, length) => this.#sink.note(position, length));
  }

  /** The same of a frame of one record. */
  addOne(frameBytes: number, checksum: number): void {
    const { frameHeaderBytes } = this.#codec;
    const length = frameBytes - frameHeaderBytes;
    this.#tally.add(checksum);
    this.#recordBytes += length;
    this.#sink.note(this.#end + frameHeaderBytes, length);
    this.#end += frameBytes;
  }

  /** Notes that everything in the tail is in the file by now; of more than `keepBytes`, nothing is kept in memory. */
  markWritten(keepBytes: number): void {
    this.#written = this.#extent();
    // A seal is kept in the file only.
    this.#bytes.cutTail(this.#end);
    if (this.#bytes.tail.length <= keepBytes) return;
    this.parseTrusted();
    this.#bytes.trimTail(this.#end, 0);
  }

  /** Notes that the seal, too, is in the file. */
  markSealed(): void {
    this.parseTrusted();
    this.#sealed = true;
  }

  /** Forgets what was not written, and what may have gone wrong since; reading goes on from there. */
  rewind(): void {
    const { end, recordBytes, contentDigest } = this.#written;
    this.#end = end;
    this.#digestEnd = end;
    this.#contentDigest = contentDigest;
    this.#recordBytes = recordBytes;
    this.#tally.restore(this.#written);
    this.#sink.cut(end);
    this.#bytes.cutTail(end);
    this.#sealed = false;
  }

  /** Forgets everything: the log is read from its start again. */
  restart(): void {
    this.#end = this.#headerBytes;
    this.#digestEnd = this.#headerBytes;
    this.#contentDigest = 0;
    this.#recordBytes = 0;
    this.#tally.restore({ records: 0, digest: 0 });
    this.#isTrusted = false;
    this.#sealed = false;
    this.#bytes.cutTail(this.#headerBytes);
    this.#sink.restart();
    this.#written = this.#extent();
  }

  /** Parses what was only trusted so far. */
  parseTrusted(): void {
    if (!this.#isTrusted) return;
    this.#isTrusted = false;
    const end = this.#end;
    this.#end = this.#headerBytes;
    this.#recordBytes = 0;
    this.#tally.restore({ records: 0, digest: 0 });
    this.#sink.restart();
    const window = this.#bytes.tail.view();
    while (this.#end < end) {
      const frame = this.#codec.parseFrame(window, this.#bytes.tailOffset(this.#end), this.#end);
      if (frame.status !== "records") throw this.#betrayal(end);
      this.add(frame.records, frame.length);
      if (this.#end === this.#written.end) this.#written = { ...this.#written, ...this.#counts() };
    }
  }

  /** The error for bytes that are no frames, and have the digest that LOCK names all the same: it stays so. */
  #betrayal(end: number): KvsError {
    const offset = this.#end;
    this.#end = end;
    this.#isTrusted = true;
    return this.#sink.damage({ offset, reason: "what LOCK vouches for is no record" });
  }

  #extent(): Extent {
    this.#sumUp();
    return { end: this.#end, contentDigest: this.#contentDigest, ...this.#counts() };
  }

  #counts(): Pick<Extent, "records" | "digest" | "recordBytes"> {
    const { records, digest } = this.#tally;
    return { records, digest, recordBytes: this.#recordBytes };
  }

  /** Takes the bytes up to `end` into the digest; they are in memory until then. */
  #sumUp(): void {
    if (this.#digestEnd === this.#end) return;
    const bytes = this.#bytes;
    const [from, to] = [bytes.tailOffset(this.#digestEnd), bytes.tailOffset(this.#end)];
    this.#contentDigest = crc32(bytes.tail.whole(), from, to, this.#contentDigest);
    this.#digestEnd = this.#end;
  }

  /** Takes the frames of a tail for sound if their bytes have the digest that LOCK names. */
  #trust({ end, digest }: TrustedTail, keepBytes: number): void {
    const bytes = this.#bytes;
    const length = end - this.#headerBytes;
    if (this.#codec.findNewest === undefined || length <= 0 || length > keepBytes) return;
    if (end > bytes.size()) return;
    if (!bytes.extendTail(length) || crc32(bytes.tail.whole(), 0, length, 0) !== digest) {
      bytes.cutTail(this.#headerBytes);
      return;
    }
    this.#end = end;
    this.#digestEnd = end;
    this.#contentDigest = digest;
    this.#isTrusted = true;
  }

  #accept(
    frame: Exclude<ScannedFrame, { status: "incomplete" }>,
    size: number,
    note: (position: number, length: number) => void,
  ): void {
    if (frame.status === "records") {
      this.#count(frame.length, note);
    } else if (frame.status === "damaged") {
      this.#fault = { offset: this.#end, reason: frame.reason, at: frame.at };
    } else {
      this.#acceptSeal(frame, size);
    }
  }

  #acceptSeal({ summary, length }: Extract<ScannedFrame, { status: "seal" }>, size: number): void {
    this.parseTrusted();
    if (summary !== undefined && !this.#tally.matches(summary, this.#end)) {
      this.#fault = { offset: this.#end, reason: "the seal contradicts the records before it" };
      return;
    }
    this.#sealed = true;
    const after = this.#end + length;
    if (size > after) this.#fault = { offset: after, reason: "something stands behind the seal" };
  }

  /** Takes in the records that were scanned, now that their frame is known to be whole. */
  #count(frameBytes: number, note: (position: number, length: number) => void): void {
    const { positions, lengths, checksums } = this.#scanned;
    for (let index = 0; index < positions.length; index += 1) {
      const length = lengths[index] ?? 0;
      this.#tally.add(checksums[index] ?? 0);
      this.#recordBytes += length;
      note(positions[index] ?? 0, length);
    }
    this.#end += frameBytes;
  }
}

/** A frame's records, in arrays that are used again for the next: a log has millions. */
class ScannedRecords implements ScanSink {
  readonly positions: number[] = [];
  readonly lengths: number[] = [];
  readonly checksums: number[] = [];

  record(position: number, length: number, checksum: number): void {
    this.positions.push(position);
    this.lengths.push(length);
    this.checksums.push(checksum);
  }

  clear(): void {
    this.positions.length = 0;
    this.lengths.length = 0;
    this.checksums.length = 0;
  }
}
