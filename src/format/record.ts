import type { EncodedKey } from "./key.ts";

/**
 * What is known of a value's bytes. `ascii` and `utf8` were written as text;
 * `bytes` were written as bytes and may or may not be text.
 */
export type ValueEncoding = "bytes" | "ascii" | "utf8";

/** A record as it is written: one change of one key. */
export interface Mutation {
  readonly kind: "put" | "remove";
  readonly key: EncodedKey;
  /** Empty for a removal. */
  readonly value: string | Uint8Array;
  /** Given with bytes that are known to be text, as a merge does; otherwise found while encoding. */
  readonly encoding?: ValueEncoding;
  /** Absolute milliseconds since 1970, or 0 for never. */
  readonly expiresAt: number;
}

/** A record as it is read back whole. Good until the buffer that it was decoded from changes. */
export interface StoredRecord {
  readonly kind: "put" | "remove";
  readonly key: EncodedKey;
  /** A view into the buffer that was decoded. */
  readonly value: Buffer;
  readonly encoding: ValueEncoding;
  readonly expiresAt: number;
  /** Where the record stands in its log. */
  readonly position: number;
  /** Bytes of the record on disk, without its frame. */
  readonly length: number;
  /** Whether this is its key; cheaper than to compare `key`. */
  hasKey(key: EncodedKey): boolean;
  /** Negative, 0 or positive, as its key comes before that of another record, is the same or comes after. */
  compareKey(other: StoredRecord): number;
  /** The value as text; undefined if its bytes are not UTF-8. */
  text(): string | undefined;
}

/** One record of a frame that was parsed or encoded. */
export interface FrameRecord {
  readonly key: EncodedKey;
  /** Where the record stands in its log. */
  readonly position: number;
  /** Bytes of the record on disk, without its frame. */
  readonly length: number;
  readonly kind: "put" | "remove";
  readonly expiresAt: number;
  /** The record's CRC-32; 0 where the format has none. */
  readonly checksum: number;
}

/** The same of one that was just encoded: its key is in the buffer, and mostly nobody asks for it. */
export type EncodedRecord = Omit<FrameRecord, "key">;

/** What a seal says of the log it closes. */
export interface SealSummary {
  /** Records before the seal. */
  readonly records: number;
  /** Bytes before the seal frame, the header included. */
  readonly length: number;
  /** `LogTally.digest` over those records. */
  readonly digest: number;
}

/** What stands at a position of a log. */
export type ParsedFrame =
  | { readonly status: "records"; readonly length: number; readonly records: readonly FrameRecord[] }
  | { readonly status: "seal"; readonly length: number; readonly summary: SealSummary | undefined }
  /** More bytes are needed to tell: `needed` of them, counted from the frame's start. */
  | { readonly status: "incomplete"; readonly needed: number }
  /** `at` is where in the log the damage stands, if not at the frame's start. */
  | { readonly status: "damaged"; readonly reason: string; readonly at?: number | undefined };

/**
 * Count and digest of a log's records, in order. The digest chains the records'
 * checksums, so that a record lost, doubled or swapped changes it.
 */
export class LogTally {
  records = 0;
  digest = 0;

  add(checksum: number): void {
    this.records += 1;
    // FNV-1a's step, on whole words.
    this.digest = Math.imul(this.digest ^ checksum, 0x01000193) >>> 0;
  }

  /** Goes back to what was counted earlier. */
  restore({ records, digest }: Pick<LogTally, "records" | "digest">): void {
    this.records = records;
    this.digest = digest;
  }

  matches(summary: SealSummary, length: number): boolean {
    return summary.records === this.records && summary.digest === this.digest && summary.length === length;
  }
}
