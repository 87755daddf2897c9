import type { ByteWriter } from "./bytes.ts";
import type { EncodedKey } from "./key.ts";
import type { EncodedRecord, Mutation, ParsedFrame, SealSummary, StoredRecord } from "./record.ts";

/** The two log formats name themselves so. */
export type LogFormat = "binary" | "json";

/** Told of a frame's records, in their order. */
export interface ScanSink {
  record(position: number, length: number, checksum: number): void;
}

/** What `scanFrame` finds. */
export type ScannedFrame =
  | { readonly status: "records"; readonly length: number }
  | Exclude<ParsedFrame, { readonly status: "records" }>;

/** Where the key of the record at `start` begins, and how many bytes it has. */
export interface RawKeys {
  startOf(bytes: Buffer, start: number): number;
  lengthOf(bytes: Buffer, start: number): number;
}

/** Records that are verified together, in a copy of their own. */
export interface RecordGroup {
  /** How many were added. */
  readonly count: number;
  /** Forgets those that were added. */
  clear(): void;
  /** Copies the record that stands at `start` behind the others; false where it is too long. `bytes` must stay as they are until `areSound`. */
  add(bytes: Buffer, start: number, length: number, position: number): boolean;
  /** Whether all of them match their checksums: which one does not is not told. */
  areSound(): boolean;
  /** One of them, once they are sound, by its number; undefined for what is no record. It is good until the next is asked for. */
  record(number: number): StoredRecord | undefined;
}

/** Where in a buffer a record stands. */
export interface RecordSpan {
  readonly start: number;
  readonly end: number;
}

/** Writes a frame record by record. `position` is where in the log what is written starts. */
export interface OpenFrames {
  begin(out: ByteWriter): void;
  /** Appends the next record; its checksum. */
  add(out: ByteWriter, position: number, mutation: Mutation): number;
  /** Ends the frame that starts at `start` in the buffer. */
  end(out: ByteWriter, start: number, position: number): void;
}

/**
 * How the records of one log are written and read back. A codec is bound to its
 * log, since checksums depend on the log's id. `position` is always the offset
 * in the log's file; `offset` the one in the buffer at hand.
 */
export interface LogCodec {
  readonly format: LogFormat;
  /** False where a changed byte cannot be noticed. */
  readonly hasChecksums: boolean;
  /** False where a log just ends, and an end that breaks off is passed over. */
  readonly endsInSeal: boolean;
  /** Appends one frame, all or nothing when read back; what was written, in order. */
  encodeFrame(out: ByteWriter, position: number, mutations: readonly Mutation[]): EncodedRecord[];
  /** For records that share a frame without being a batch; a format that tells such a frame from several has none. */
  readonly openFrames?: OpenFrames;
  /** Bytes of a frame before its first record. */
  readonly frameHeaderBytes: number;
  /** Appends a frame of one record; its checksum. The quick way for what most writes are. */
  encodeOne(out: ByteWriter, position: number, mutation: Mutation): number;
  /** Appends the seal, which ends a log for good. */
  encodeSeal(out: ByteWriter, position: number, summary: SealSummary): void;
  /** Tells what stands at `offset`; every checksum of the frame is verified. */
  parseFrame(bytes: Buffer, offset: number, position: number): ParsedFrame;
  /**
   * Decodes the record between `start` and `end` of a buffer (by default all of
   * it), or returns undefined when it fails a check.
   */
  decodeRecord(bytes: Buffer, position: number, start?: number, end?: number): StoredRecord | undefined;
  /** For those who read many records; a format whose checksums do not add up has no groups. */
  newGroup?(): RecordGroup;
  /** Where the record at `start` ends, by what it says itself; undefined if that is not in the buffer. */
  endOfRecord(bytes: Buffer, start: number): number | undefined;
  /**
   * Like `parseFrame`, for those who only note where records are: the sink is told
   * of each record before it is known whether the whole frame is sound.
   */
  scanFrame(bytes: Buffer, offset: number, position: number, sink: ScanSink): ScannedFrame;
  /** What a record that was verified before does to its key. */
  glance(bytes: Buffer, start: number, end: number): Pick<StoredRecord, "kind" | "expiresAt">;
  /** The key of a record that was verified before. */
  keyOf(bytes: Buffer, start: number, end: number): EncodedKey;
  /**
   * Walks along frames that are taken for whole, from `start` to `end`, to the last
   * record of a key; `damaged` where that leads past an end. Where it takes parsing,
   * there is no such shortcut.
   */
  findNewest?(bytes: Buffer, start: number, end: number, key: EncodedKey): RecordSpan | "damaged" | undefined;
  /** Where in a record that was verified before its key's bytes stand as they are; formats that escape them have no such place. */
  readonly rawKeys?: RawKeys;
  /** Whether a record that was verified before has this key. */
  hasKey(bytes: Buffer, start: number, end: number, key: EncodedKey): boolean;
}
