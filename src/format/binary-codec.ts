import {
  FRAME_CRC_AT,
  FRAME_HEADER_BYTES,
  KIND_AT,
  FLAGS_AT,
  KEY_LENGTH_AT,
  VALUE_LENGTH_AT,
  BODY_AT,
  EXPIRY_BYTES,
  KIND_PUT,
  KIND_REMOVE,
  KIND_SEAL,
  FLAG_ASCII,
  FLAG_UTF8,
  FLAG_EXPIRES,
  seedAt,
  seedOf,
} from "./binary-layout.ts";
import { type ByteWriter, crc32, crc32OfWord, readUint64, writeUint64 } from "./bytes.ts";
import {
  BinaryRecord,
  decodeRecord,
  endOfRecord,
  findNewest,
  glance,
  isKey,
  keyEnd,
  keyStart,
  parseRecord,
  rawKeys,
  RecordLayout,
} from "./binary-record.ts";
import type { LogCodec, ScannedFrame } from "./codec.ts";
import type { EncodedKey } from "./key.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";
import type { EncodedRecord, FrameRecord, Mutation, ParsedFrame, SealSummary } from "./record.ts";
import { hasBug } from "./seeded-bugs.ts";

const SEAL_LENGTH_AT = 8;
const SEAL_DIGEST_AT: number = SEAL_LENGTH_AT + 8;
const SEAL_VALUE_BYTES: number = SEAL_DIGEST_AT + 4;

/** Bytes of a seal frame: what the end of every sealed binary log is read with. */
export const BINARY_SEAL_BYTES: number = FRAME_HEADER_BYTES + BODY_AT + SEAL_VALUE_BYTES;

/** Told of a record and where it starts: in the buffer, and in the log. */
type VisitRecord = (record: Readonly<RecordLayout>, at: number, position: number) => void;

/** The codec of the binary log with this id. */
export function binaryCodec(logId: string): LogCodec {
  return binaryCodecFrom(seedOf(logId));
}

/** The same for a log whose id is lost: `seed` is what its checksums start from. */
export function binaryCodecFrom(seed: number): LogCodec {
  return {
    format: "binary",
    hasChecksums: true,
    endsInSeal: true,
    frameHeaderBytes: FRAME_HEADER_BYTES,
    encodeOne: (out, position, mutation) => encodeOne(out, position, mutation, seed),
    encodeFrame: (out, position, mutations) => encodeFrame(out, position, mutations, seed),
    encodeSeal: (out, position, summary) => encodeSeal(out, position, summary, seed),
    parseFrame: (bytes, offset, position) => parseFrame(bytes, offset, position, seed),
    scanFrame: (bytes, offset, position, sink) =>
      scanFrame(bytes, offset, position, seed, (record, at, recordPosition) =>
        sink.record(recordPosition, record.end - at, record.checksum),
      ),
    glance,
    decodeRecord: (bytes, position, start = 0, end = bytes.length) =>
      decodeRecord(bytes, position, start, end, seed),
    endOfRecord,
    findNewest,
    rawKeys,
    keyOf: (bytes, start) => bytes.latin1Slice(keyStart(bytes, start), keyEnd(bytes, start)) as EncodedKey,
    hasKey: (bytes, start, _end, key) =>
      isKey(bytes, keyStart(bytes, start), key, bytes.readUInt16LE(start + KEY_LENGTH_AT)),
  };
}

function encodeFrame(
  out: ByteWriter,
  position: number,
  mutations: readonly Mutation[],
  seed: number,
): EncodedRecord[] {
  const start = out.length;
  out.reserve(FRAME_HEADER_BYTES);
  out.length += FRAME_HEADER_BYTES;
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

function encodeOne(out: ByteWriter, position: number, mutation: Mutation, seed: number): number {
  const start = out.length;
  out.reserve(FRAME_HEADER_BYTES);
  out.length += FRAME_HEADER_BYTES;
  const checksum = encodeRecord(out, position + FRAME_HEADER_BYTES, mutation, seed);
  encodeFrameHeader(out, start, position, seed);
  return checksum;
}

function encodeFrameHeader(out: ByteWriter, start: number, position: number, seed: number): void {
  const buffer = out.reserve(0);
  const length = out.length - start - FRAME_HEADER_BYTES;
  buffer.writeUInt32LE(length, start);
  buffer.writeUInt32LE(crc32OfWord(length, seedAt(seed, position)), start + FRAME_CRC_AT);
}

/** Appends a record; its checksum. */
function encodeRecord(out: ByteWriter, position: number, mutation: Mutation, seed: number): number {
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

function encodeSeal(out: ByteWriter, position: number, summary: SealSummary, seed: number): void {
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

function parseFrame(bytes: Buffer, offset: number, position: number, seed: number): ParsedFrame {
  const records: FrameRecord[] = [];
  const frame = scanFrame(bytes, offset, position, seed, (record, at, recordPosition) => {
    records.push({
      key: bytes.latin1Slice(record.keyAt, record.valueAt) as EncodedKey,
      position: recordPosition,
      length: record.end - at,
      kind: record.kindByte === KIND_PUT ? "put" : "remove",
      expiresAt: record.expiresAt,
      checksum: record.checksum,
    });
  });
  return frame.status === "records" ? { ...frame, records } : frame;
}

function scanFrame(
  bytes: Buffer,
  offset: number,
  position: number,
  seed: number,
  visit: VisitRecord,
): ScannedFrame {
  const available = bytes.length - offset;
  if (available < FRAME_HEADER_BYTES) return { status: "incomplete", needed: FRAME_HEADER_BYTES };
  const length = bytes.readUInt32LE(offset);
  const claimed = bytes.readUInt32LE(offset + FRAME_CRC_AT);
  const isSound = crc32OfWord(length, seedAt(seed, position)) === claimed;
  if (!isSound && !hasBug("believe a length that fails its checksum")) {
    if (hasBug("take zeros for frames") && length + claimed === 0)
      return { status: "records", length: FRAME_HEADER_BYTES };
    return { status: "damaged", reason: "a frame's length fails its checksum" };
  }
  if (length === 0 || length > MAX_FRAME_BYTES)
    return { status: "damaged", reason: `a frame claims ${length} bytes` };
  const whole = FRAME_HEADER_BYTES + length;
  if (available < whole) return { status: "incomplete", needed: whole };
  return scanRecords(bytes, offset, position, whole, seed, visit);
}

/** The record that is looked at: one object for all of them, since a log has millions. */
const current = new RecordLayout();

function scanRecords(
  bytes: Buffer,
  offset: number,
  position: number,
  whole: number,
  seed: number,
  visit: VisitRecord,
): ScannedFrame {
  const end = offset + whole;
  let at = offset + FRAME_HEADER_BYTES;
  while (at < end) {
    const recordPosition = position + at - offset;
    if (!parseRecord(bytes, at, end, seedAt(seed, recordPosition), current))
      return { status: "damaged", reason: "a record fails its checksum" };
    if (current.kindByte === KIND_SEAL) return parseSeal(bytes, current, whole);
    visit(current, at, recordPosition);
    at = current.end;
  }
  return { status: "records", length: whole };
}

function parseSeal(bytes: Buffer, layout: Readonly<RecordLayout>, whole: number): ScannedFrame {
  if (whole !== BINARY_SEAL_BYTES || layout.end - layout.valueAt !== SEAL_VALUE_BYTES) {
    return { status: "damaged", reason: "a seal is not a frame of its own" };
  }
  const summary = {
    records: readUint64(bytes, layout.valueAt),
    length: readUint64(bytes, layout.valueAt + SEAL_LENGTH_AT),
    digest: bytes.readUInt32LE(layout.valueAt + SEAL_DIGEST_AT),
  };
  return { status: "seal", length: whole, summary };
}
