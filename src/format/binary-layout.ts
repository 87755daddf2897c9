/*
 * frame:  length u32 | crc u32 over the length | records
 * record: crc u32 over the rest | kind u8 | flags u8 | key length u16 | value length u32 | [expiry u64] | key | value
 *
 * Both checksums start from a seed made of the log's id and the position, so
 * that bytes of another log, or of another place in this one, fail them.
 */
export const FRAME_CRC_AT = 4;
export const FRAME_HEADER_BYTES: number = FRAME_CRC_AT + 4;

export const KIND_AT = 4;
export const FLAGS_AT: number = KIND_AT + 1;
export const KEY_LENGTH_AT: number = FLAGS_AT + 1;
export const VALUE_LENGTH_AT: number = KEY_LENGTH_AT + 2;
export const BODY_AT: number = VALUE_LENGTH_AT + 4;
export const EXPIRY_BYTES = 8;

// Kind 0 is invalid, so that a run of zeros is never a record.
export const KIND_PUT = 1;
export const KIND_REMOVE = 2;
export const KIND_SEAL = 3;

export const FLAG_ASCII = 1;
export const FLAG_UTF8 = 2;
export const FLAG_EXPIRES = 4;
export const KNOWN_FLAGS: number = FLAG_ASCII | FLAG_UTF8 | FLAG_EXPIRES;

/*
 * A seal is a record without a key in a frame of its own:
 * value: records u64 | length u64 | digest u32
 */
export const SEAL_LENGTH_AT = 8;
export const SEAL_DIGEST_AT: number = SEAL_LENGTH_AT + 8;
export const SEAL_VALUE_BYTES: number = SEAL_DIGEST_AT + 4;

/** Bytes of a seal frame: what the end of every sealed binary log is read with. */
export const BINARY_SEAL_BYTES: number = FRAME_HEADER_BYTES + BODY_AT + SEAL_VALUE_BYTES;

/** What the checksums of a log start from, position aside. */
export function seedOf(logId: string): number {
  // Not `Buffer.from`: its first call takes a short process a tenth of a millisecond.
  const bytes = Buffer.allocUnsafe(logId.length / 2);
  bytes.write(logId, "hex");
  return Bun.hash.crc32(bytes);
}

/** The checksum's start at a position; positions 4 GiB apart differ as well. */
export function seedAt(seed: number, position: number): number {
  return (seed ^ (position >>> 0) ^ Math.imul(Math.floor(position / 2 ** 32), 0x9e3779b1)) >>> 0;
}
