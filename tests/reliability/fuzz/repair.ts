import { isSoundPage, PAGE_BYTES, pageSeedOf, sealPage } from "../../../src/format/index-file.ts";
import { HINT_BYTES } from "../../../src/format/hint.ts";

/*
 * Makes the checksums of what was changed right again, so that it gets past
 * them: the offsets are those of docs/format.md.
 */
const HEADER_LENGTH_AT = 12;
const LOG_ID_AT = 32;
const PLAIN_HEADER_BYTES = 64;
const LONGEST_HEADER_BYTES = 524_344;
const RECORD_BYTES = 12;
const EXPIRES = 4;

/** A binary log, as far as its lengths lead anywhere. */
export function repairLog(log: Buffer): Buffer {
  const bytes = Buffer.from(log);
  if (bytes.length < PLAIN_HEADER_BYTES) return bytes;
  const header = bytes.readUInt32LE(HEADER_LENGTH_AT);
  if (header < PLAIN_HEADER_BYTES || header > Math.min(bytes.length, LONGEST_HEADER_BYTES)) return bytes;
  bytes.writeUInt32LE(Bun.hash.crc32(bytes.subarray(0, header - 4)), header - 4);
  const seed = Bun.hash.crc32(bytes.subarray(LOG_ID_AT, LOG_ID_AT + 8));
  for (let at = header; at + 8 + RECORD_BYTES <= bytes.length;) {
    bytes.writeUInt32LE(Bun.hash.crc32(bytes.subarray(at, at + 4), (seed ^ at) >>> 0), at + 4);
    const end = at + 8 + bytes.readUInt32LE(at);
    repairRecords(bytes, at + 8, Math.min(end, bytes.length), seed);
    at = end;
  }
  return bytes;
}

function repairRecords(bytes: Buffer, from: number, to: number, seed: number): void {
  for (let at = from; at + RECORD_BYTES <= to;) {
    const expiry = ((bytes[at + 5] ?? 0) & EXPIRES) === 0 ? 0 : 8;
    const end = at + RECORD_BYTES + expiry + bytes.readUInt16LE(at + 6) + bytes.readUInt32LE(at + 8);
    if (end > to) return;
    bytes.writeUInt32LE(Bun.hash.crc32(bytes.subarray(at + 4, end), (seed ^ at) >>> 0), at);
    at = end;
  }
}

/** All pages of an index. */
export function repairIndex(index: Buffer, logId: string): Buffer {
  const bytes = Buffer.from(index);
  const seed = pageSeedOf(logId);
  for (let page = 0; (page + 1) * PAGE_BYTES <= bytes.length; page += 1) {
    if (!isSoundPage(bytes, page * PAGE_BYTES, page, seed)) sealPage(bytes, page * PAGE_BYTES, page, seed);
  }
  return bytes;
}

/** The hint in LOCK. */
export function repairHint(lock: Buffer): Buffer {
  const bytes = Buffer.from(lock);
  if (bytes.length < HINT_BYTES) return bytes;
  bytes.writeUInt32LE(Bun.hash.crc32(bytes.subarray(0, HINT_BYTES - 4)), HINT_BYTES - 4);
  return bytes;
}
