import type { LogCodec } from "../format/codec.ts";
import { MAX_FRAME_BYTES } from "../format/limits.ts";
import type { StoredRecord } from "../format/record.ts";
import { noteGarbage } from "./garbage.ts";
import type { LogBytes } from "./log-bytes.ts";

/** Where a record may end is looked for in steps of this size. */
const CHUNK_BYTES = 256 * 1024;

/** Reads the records of one log, wherever their bytes are. */
export class RecordReader {
  readonly #bytes: LogBytes;
  readonly #codec: LogCodec;

  constructor(bytes: LogBytes, codec: LogCodec) {
    this.#bytes = bytes;
    this.#codec = codec;
  }

  /** Reads one record; undefined for what fails a check. `length` may be 0, where it is not known. */
  read(position: number, length: number): StoredRecord | undefined {
    const bytes = this.#bytes;
    let end = bytes.locate(position, length) && length > 0 ? bytes.offset + length : undefined;
    if (length === 0) end = this.#findEnd(position);
    if (end === undefined) return undefined;
    noteGarbage(end - bytes.offset);
    return this.#codec.decodeRecord(bytes.buffer, position, bytes.offset, end);
  }

  /** What a record does to its key, if it is in memory, where all were verified. */
  glance(position: number, length: number): Pick<StoredRecord, "kind" | "expiresAt"> | undefined {
    const bytes = this.#bytes;
    if (!bytes.isInTail(position)) return undefined;
    const start = bytes.tailOffset(position);
    return this.#codec.glance(bytes.tail.whole(), start, start + length);
  }

  /** Whether a record that is in memory has another key, which spares reading it. */
  isOther(position: number, length: number, key: StoredRecord["key"]): boolean {
    const bytes = this.#bytes;
    if (!bytes.isInTail(position)) return false;
    bytes.locate(position, length);
    return !this.#codec.hasKey(bytes.buffer, bytes.offset, bytes.offset + length, key);
  }

  /** Bytes of a record, by what it says itself; 0 where it says nothing. */
  claimedLength(position: number): number {
    return Math.max(0, (this.#findEnd(position) ?? 0) - this.#bytes.offset);
  }

  /** Where a record ends whose length the index does not know; its bytes are located then. */
  #findEnd(position: number): number | undefined {
    // No record is longer than a frame may be: what claims to be is damaged, and not read.
    const available = Math.min(this.#bytes.size() - position, MAX_FRAME_BYTES);
    let wanted = 0;
    while (this.#bytes.locate(position, wanted)) {
      const end = this.#codec.endOfRecord(this.#bytes.buffer, this.#bytes.offset);
      if (end !== undefined || wanted === available) return end;
      wanted = Math.min(available, Math.max(CHUNK_BYTES, wanted * 2));
    }
    return undefined;
  }
}
