import type { ByteWriter } from "./bytes.ts";
import type { FrameRecord, Mutation, ParsedFrame, SealSummary, StoredRecord } from "./record.ts";

/** The two log formats name themselves so. */
export type LogFormat = "binary" | "json";

/**
 * How the records of one log are written and read back. A codec is bound to its
 * log, since checksums depend on the log's id. `position` is always the offset
 * in the log's file; `offset` the one in the buffer at hand.
 */
export interface LogCodec {
  readonly format: LogFormat;
  /** Appends one frame, all or nothing when read back; what was written, in order. */
  encodeFrame(out: ByteWriter, position: number, mutations: readonly Mutation[]): FrameRecord[];
  /** Appends the seal, which ends a log for good. */
  encodeSeal(out: ByteWriter, position: number, summary: SealSummary): void;
  /** Tells what stands at `offset`; every checksum of the frame is verified. */
  parseFrame(bytes: Buffer, offset: number, position: number): ParsedFrame;
  /** Decodes one whole record, or returns undefined when it fails a check. */
  decodeRecord(bytes: Buffer, position: number): StoredRecord | undefined;
}
