import {
  BINARY_SEAL_BYTES,
  BODY_AT,
  EXPIRY_BYTES,
  FLAG_ASCII,
  FLAG_EXPIRES,
  FLAG_UTF8,
  FLAGS_AT,
  FRAME_CRC_AT,
  FRAME_HEADER_BYTES,
  KEY_LENGTH_AT,
  KIND_AT,
  KIND_PUT,
  KIND_REMOVE,
  KIND_SEAL,
  SEAL_DIGEST_AT,
  SEAL_LENGTH_AT,
  SEAL_VALUE_BYTES,
  seedAt,
  VALUE_LENGTH_AT,
} from "./binary-layout.ts";
import { BinaryRecord } from "./binary-record.ts";
import { type ByteWriter, crc32, crc32OfWord, writeUint64 } from "./bytes.ts";
import type { EncodedRecord, Mutation, SealSummary } from "./record.ts";

export function encodeFrame(
  out: ByteWriter,
  position: number,
  mutations: readonly Mutation[],
  seed: number,
): EncodedRecord[] {
  const start = out.length;
  beginFrame(out);
  const records = mutations.map((mutation) => {
    const recordStart = out.length;
    const recordPosition = position + recordStart - start;
    const checksum = encodeRecord(out, recordPosition, mutation, seed);
    const { kind, expiresAt } = mutation;
    return { position: recordPosition, length: out.length - recordStart, kind, expiresAt, checksum };
  });
  encodeFrameHeader(out, start, position, seed);
  return records;
}

export function encodeOne(out: ByteWriter, position: number, mutation: Mutation, seed: number): number {
  const start = out.length;
  beginFrame(out);
  const checksum = encodeRecord(out, position + FRAME_HEADER_BYTES, mutation, seed);
  encodeFrameHeader(out, start, position, seed);
  return checksum;
}

/** Makes room for a frame's header. */
export function beginFrame(out: ByteWriter): void {
  out.reserve(FRAME_HEADER_BYTES);
  out.length += FRAME_HEADER_BYTES;
}

export function encodeFrameHeader(out: ByteWriter, start: number, position: number, seed: number): void {
  const buffer = out.reserve(0);
  const length = out.length - start - FRAME_HEADER_BYTES;
  buffer.writeUInt32LE(length, start);
  buffer.writeUInt32LE(crc32OfWord(length, seedAt(seed, position)), start + FRAME_CRC_AT);
}

/** Appends a record; its checksum. */
export function encodeRecord(out: ByteWriter, position: number, mutation: Mutation, seed: number): number {
  // What a merge writes was read from such a log: its fields stay as they are.
  if (mutation instanceof BinaryRecord) return mutation.copyTo(out, position, seed);
  const { key, value, expiresAt } = mutation;
  const valueBound = typeof value === "string" ? utf8Bound(value) : value.length;
  const bodyAt = BODY_AT + (expiresAt === 0 ? 0 : EXPIRY_BYTES);
  const buffer = out.reserve(bodyAt + key.length + valueBound);
  const start = out.length;
  const keyAt = start + bodyAt;
  const valueAt = keyAt + key.length;
  buffer.latin1Write(key, keyAt);
  const valueLength = writeValue(buffer, value, valueAt);
  const end = valueAt + valueLength;
  const flags = encodingFlags(mutation, valueLength) | (expiresAt === 0 ? 0 : FLAG_EXPIRES);
  buffer[start + KIND_AT] = mutation.kind === "put" ? KIND_PUT : KIND_REMOVE;
  buffer[start + FLAGS_AT] = flags;
  buffer.writeUInt16LE(key.length, start + KEY_LENGTH_AT);
  buffer.writeUInt32LE(valueLength, start + VALUE_LENGTH_AT);
  if (expiresAt !== 0) writeUint64(buffer, expiresAt, start + BODY_AT);
  const checksum = crc32(buffer, start + KIND_AT, end, seedAt(seed, position));
  buffer.writeUInt32LE(checksum, start);
  out.length = end;
  return checksum;
}

/** Room for a text in UTF-8: exact for long ones; for short ones a bound is cheaper than counting. */
function utf8Bound(text: string): number {
  // A UTF-16 unit is at most three bytes of UTF-8.
  return text.length <= 4096 ? text.length * 3 : Buffer.byteLength(text);
}

function writeValue(buffer: Buffer, value: string | Uint8Array, at: number): number {
  if (typeof value === "string") return buffer.utf8Write(value, at);
  buffer.set(value, at);
  return value.length;
}

function encodingFlags(mutation: Mutation, valueLength: number): number {
  if (mutation.kind === "remove") return 0;
  if (typeof mutation.value === "string")
    return valueLength === mutation.value.length ? FLAG_ASCII : FLAG_UTF8;
  if (mutation.encoding === "ascii") return FLAG_ASCII;
  return mutation.encoding === "utf8" ? FLAG_UTF8 : 0;
}

export function encodeSeal(out: ByteWriter, position: number, summary: SealSummary, seed: number): void {
  const start = out.length;
  const buffer = out.reserve(BINARY_SEAL_BYTES);
  const record = start + FRAME_HEADER_BYTES;
  const value = record + BODY_AT;
  buffer.fill(0, start, start + BINARY_SEAL_BYTES);
  buffer[record + KIND_AT] = KIND_SEAL;
  buffer.writeUInt32LE(SEAL_VALUE_BYTES, record + VALUE_LENGTH_AT);
  writeUint64(buffer, summary.records, value);
  writeUint64(buffer, summary.length, value + SEAL_LENGTH_AT);
  buffer.writeUInt32LE(summary.digest, value + SEAL_DIGEST_AT);
  const recordSeed = seedAt(seed, position + FRAME_HEADER_BYTES);
  buffer.writeUInt32LE(crc32(buffer, record + KIND_AT, value + SEAL_VALUE_BYTES, recordSeed), record);
  out.length += BINARY_SEAL_BYTES;
  encodeFrameHeader(out, start, position, seed);
}
