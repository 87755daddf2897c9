import {
  beginFrame,
  encodeFrame,
  encodeFrameHeader,
  encodeOne,
  encodeRecord,
  encodeSeal,
} from "./binary-encoder.ts";
import { BinaryRecordGroup } from "./binary-group.ts";
import {
  BINARY_SEAL_BYTES,
  FRAME_CRC_AT,
  FRAME_HEADER_BYTES,
  KEY_LENGTH_AT,
  KIND_PUT,
  KIND_SEAL,
  SEAL_DIGEST_AT,
  SEAL_LENGTH_AT,
  SEAL_VALUE_BYTES,
  seedAt,
  seedOf,
} from "./binary-layout.ts";
import { crc32OfWord, readUint64 } from "./bytes.ts";
import {
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
import type { FrameRecord, ParsedFrame } from "./record.ts";
import { hasBug } from "./seeded-bugs.ts";

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
    openFrames: {
      begin: beginFrame,
      add: (out, position, mutation) => encodeRecord(out, position, mutation, seed),
      end: (out, start, position) => encodeFrameHeader(out, start, position, seed),
    },
    encodeSeal: (out, position, summary) => encodeSeal(out, position, summary, seed),
    parseFrame: (bytes, offset, position) => parseFrame(bytes, offset, position, seed),
    scanFrame: (bytes, offset, position, sink) =>
      scanFrame(bytes, offset, position, seed, (record, at, recordPosition) =>
        sink.record(recordPosition, record.end - at, record.checksum),
      ),
    glance,
    decodeRecord: (bytes, position, start = 0, end = bytes.length) =>
      decodeRecord(bytes, position, start, end, seed),
    newGroup: () => new BinaryRecordGroup(seed),
    endOfRecord,
    findNewest,
    rawKeys,
    keyOf: (bytes, start) => bytes.latin1Slice(keyStart(bytes, start), keyEnd(bytes, start)) as EncodedKey,
    hasKey: (bytes, start, _end, key) =>
      isKey(bytes, keyStart(bytes, start), key, bytes.readUInt16LE(start + KEY_LENGTH_AT)),
  };
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
      return { status: "damaged", reason: "a record fails its checksum", at: recordPosition };
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
