import type { ReadableFile } from "../disk/disk.ts";
import type { LogCodec, ScannedFrame, ScanSink } from "../format/codec.ts";
import { LogTally } from "../format/record.ts";
import type { Resync } from "../format/salvage.ts";
import type { Fault } from "./log-frames.ts";

const CHUNK_BYTES: number = 1024 * 1024;

/** A log as a walk needs to know it. */
export interface WalkableLog {
  readonly codec: LogCodec;
  readonly resync: Resync;
  /** Where its first frame should be. */
  readonly start: number;
}

/** What a walk comes upon: good as long as the walk stands there. */
export type LogItem =
  | { readonly kind: "frame"; readonly position: number; readonly length: number }
  | {
      readonly kind: "damage";
      readonly position: number;
      /** Bytes up to where the log goes on. */
      readonly length: number;
      readonly reason: string;
      /** Where the first damage in these bytes stands, if not at their start. */
      readonly at?: number | undefined;
      /** These bytes are one frame, some of whose records may be whole. */
      readonly isFrame: boolean;
    }
  /** Nothing yet: a search takes long, and others may take their turn. */
  | { readonly kind: "pause" };

/** A part of a log that is no sound frame. */
export type DamageItem = Extract<LogItem, { kind: "damage" }>;

/** Why a part of a log is none, with the place where it stands elsewhere than the part begins. */
export function explain({ reason, at }: Pick<DamageItem, "reason" | "at">): string {
  return at === undefined ? reason : `${reason} at offset ${at}`;
}

/**
 * Walks along a log's frames from its start to its end, verifying all of it, and
 * goes on behind damage. It reads in pieces and keeps nothing: memory is bounded
 * by the longest frame.
 */
export class LogWalk {
  readonly #file: Pick<ReadableFile, "read">;
  readonly #codec: LogCodec;
  readonly #resync: Resync;
  readonly #scanned = new Checksums();
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  /** How far the walk has come. */
  position: number;
  /** Where the bytes to be walked end. */
  readonly end: number;
  /** End of the last whole frame, its seal not counted. */
  frameEnd: number;
  readonly tally: LogTally = new LogTally();
  /** Set once a seal was met. */
  sealed = false;
  /** What stands at the end and is no frame, behind which nothing whole was found. */
  rest: (Fault & { readonly breaksOff: boolean }) | undefined;
  #isDamaged = false;

  /** `end` is how far to go: the file's size, or less. */
  constructor(file: Pick<ReadableFile, "read">, log: WalkableLog, end: number) {
    this.#file = file;
    this.#codec = log.codec;
    this.#resync = log.resync;
    this.position = log.start;
    this.frameEnd = log.start;
    this.end = end;
  }

  *items(): Generator<LogItem, undefined> {
    while (this.position < this.end) {
      const frame = this.#scan(this.position);
      if (frame.status === "records") yield this.#takeFrame(frame.length);
      else if (frame.status === "seal") yield* this.#takeSeal(frame);
      else yield* this.#skip(frame);
    }
  }

  /** A part of the log, good until the walk goes on. */
  view(position: number, length: number): Buffer {
    this.#reach(position, length);
    const start = position - this.#windowStart;
    return this.#window.subarray(start, start + length);
  }

  #takeFrame(length: number): LogItem {
    for (const checksum of this.#scanned.all) this.tally.add(checksum);
    const position = this.position;
    this.position += length;
    this.frameEnd = this.position;
    return { kind: "frame", position, length };
  }

  *#takeSeal({ summary, length }: Extract<ScannedFrame, { status: "seal" }>): Generator<LogItem> {
    const position = this.position;
    this.sealed = true;
    this.position += length;
    if (!this.#isDamaged && summary !== undefined && !this.tally.matches(summary, position)) {
      const reason = "the seal contradicts the records before it";
      yield { kind: "damage", position, length, reason, isFrame: false };
    }
    if (this.position === this.end) return;
    const after = this.position;
    // Where nothing proves that it is the seal, what stands behind it may be records all the same.
    if (this.#codec.hasChecksums) this.position = this.end;
    const reason = "something stands behind the seal";
    yield { kind: "damage", position: after, length: this.position - after, reason, isFrame: false };
  }

  /** Leaves what is no frame behind. */
  *#skip(frame: Extract<ScannedFrame, { status: "damaged" | "incomplete" }>): Generator<LogItem> {
    const breaksOff = frame.status === "incomplete";
    const reason = breaksOff ? "the last record breaks off" : frame.reason;
    const from = this.position;
    const frameBytes = this.#frameBytes(from);
    if (frameBytes > 0 && from + frameBytes <= this.end) {
      this.#isDamaged = true;
      this.position = from + frameBytes;
      const at = breaksOff ? undefined : frame.at;
      yield { kind: "damage", position: from, length: frameBytes, reason, at, isFrame: true };
      return;
    }
    const next = frameBytes > 0 ? undefined : yield* this.#findFrame(from + 1);
    this.position = next ?? this.end;
    if (next === undefined) {
      this.rest = { offset: from, reason, breaksOff };
      return;
    }
    this.#isDamaged = true;
    yield { kind: "damage", position: from, length: next - from, reason, isFrame: false };
  }

  *#findFrame(from: number): Generator<LogItem, number | undefined> {
    const { overlap } = this.#resync;
    for (let at = from; at < this.end;) {
      this.#reach(at, Math.min(CHUNK_BYTES, this.end - at));
      const found = this.#resync.findFrame(this.#window, at - this.#windowStart, at);
      if (found !== undefined) {
        const position = this.#windowStart + found;
        if (this.#isConfirmed(position)) return position;
        at = position + 1;
        continue;
      }
      const windowEnd = this.#windowStart + this.#window.length;
      if (windowEnd >= this.end) return undefined;
      at = windowEnd - overlap;
      yield { kind: "pause" };
    }
    return undefined;
  }

  /** Four bytes may seem to be a frame's head by chance: what it is the head of must be whole, or another one follow. */
  #isConfirmed(position: number): boolean {
    const { status } = this.#scan(position);
    if (status === "records" || status === "seal" || !this.#codec.hasChecksums) return true;
    const frameBytes = this.#frameBytes(position);
    const after = position + frameBytes;
    return frameBytes > 0 && (after === this.end || (after < this.end && this.#frameBytes(after) > 0));
  }

  /** What stands at a position; incomplete only where the log ends before it does. */
  #scan(position: number): ScannedFrame {
    for (;;) {
      this.#scanned.clear();
      const offset = position - this.#windowStart;
      const isInside = offset >= 0 && offset < this.#window.length;
      const frame: ScannedFrame = isInside
        ? this.#codec.scanFrame(this.#window, offset, position, this.#scanned)
        : { status: "incomplete", needed: 1 };
      if (frame.status !== "incomplete" || !this.#extend(position, frame.needed)) return frame;
    }
  }

  #frameBytes(position: number): number {
    this.#reach(position, 1);
    for (;;) {
      const bytes = this.#resync.frameBytes(this.#window, position - this.#windowStart, position);
      if (bytes !== undefined) return bytes;
      const available = this.#windowStart + this.#window.length - position;
      if (!this.#extend(position, available * 2)) return 0;
    }
  }

  /** Sees to it that bytes are in the window, as far as the log has them. */
  #reach(position: number, length: number): void {
    const isInside = position >= this.#windowStart;
    if (isInside && position + length <= this.#windowStart + this.#window.length) return;
    this.#window = this.#file.read(position, Math.min(this.end - position, Math.max(length, CHUNK_BYTES)));
    this.#windowStart = position;
  }

  /** Brings more bytes from a position on into the window, at best so many; false if there are none. */
  #extend(position: number, needed: number): boolean {
    const before = this.#windowStart + this.#window.length;
    const isInside = position >= this.#windowStart && position < before;
    if (isInside && before >= this.end) return false;
    this.#reach(position, Math.max(needed, isInside ? before - position + 1 : 1));
    return this.#windowStart + this.#window.length > (isInside ? before : position);
  }
}

/** The checksums of the records of a frame, taken in once it is known to be whole. */
class Checksums implements ScanSink {
  readonly all: number[] = [];

  record(_position: number, _length: number, checksum: number): void {
    this.all.push(checksum);
  }

  clear(): void {
    this.all.length = 0;
  }
}
