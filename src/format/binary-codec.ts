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
  KNOWN_FLAGS,
  seedAt,
  seedOf,
} from "./binary-layout.ts";
import { type ByteWriter, crc32, crc32OfWord, readUint64, writeUint64 } from "./bytes.ts";
import { restartedCrc32 } from "./crc-shift.ts";
import type { LogCodec, RawKeys, RecordSpan, ScannedFrame } from "./codec.ts";
import { decodeUtf8, type EncodedKey } from "./key.ts";
import { MAX_FRAME_BYTES, MAX_VALUE_BYTES } from "./limits.ts";
import type {
  EncodedRecord,
  FrameRecord,
  Mutation,
  ParsedFrame,
  SealSummary,
  StoredRecord,
  ValueEncoding,
} from "./record.ts";
import { hasBug } from "./seeded-bugs.ts";

const SEAL_LENGTH_AT = 8;
const SEAL_DIGEST_AT: number = SEAL_LENGTH_AT + 8;
const SEAL_VALUE_BYTES: number = SEAL_DIGEST_AT + 4;

/** Bytes of a seal frame: what the end of every sealed binary log is read with. */
export const BINARY_SEAL_BYTES: number = FRAME_HEADER_BYTES + BODY_AT + SEAL_VALUE_BYTES;

/** A record's fields, as offsets into the buffer it stands in; filled in by `parseRecord`. */
class RecordLayout {
  kindByte = 0;
  flags = 0;
  expiresAt = 0;
  keyAt = 0;
  valueAt = 0;
  end = 0;
  checksum = 0;
  /** What the checksum starts from. */
  seed = 0;
}

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

function encodeOne(out: ByteWriter, position: number, mutation: Mutation, seed: number): number {
  const start = out.length;
  beginFrame(out);
  const checksum = encodeRecord(out, position + FRAME_HEADER_BYTES, mutation, seed);
  encodeFrameHeader(out, start, position, seed);
  return checksum;
}

/** Makes room for a frame's header. */
function beginFrame(out: ByteWriter): void {
  out.reserve(FRAME_HEADER_BYTES);
  out.length += FRAME_HEADER_BYTES;
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

/** Checks a record that must end at or before `limit`, and fills in where its fields are; false when anything is wrong. */
function parseRecord(bytes: Buffer, at: number, limit: number, seed: number, into: RecordLayout): boolean {
  if (at + BODY_AT > limit) return false;
  const kind = bytes[at + KIND_AT] ?? 0;
  const flags = bytes[at + FLAGS_AT] ?? 0;
  const expires = (flags & FLAG_EXPIRES) !== 0;
  const valueLength = bytes.readUInt32LE(at + VALUE_LENGTH_AT);
  into.keyAt = at + BODY_AT + (expires ? EXPIRY_BYTES : 0);
  into.valueAt = into.keyAt + bytes.readUInt16LE(at + KEY_LENGTH_AT);
  into.end = into.valueAt + valueLength;
  if (into.end > limit || valueLength > MAX_VALUE_BYTES) return false;
  into.checksum = bytes.readUInt32LE(at);
  into.seed = seed;
  if (crc32(bytes, at + KIND_AT, into.end, seed) !== into.checksum) return false;
  if (kind < KIND_PUT || kind > KIND_SEAL || (flags & ~KNOWN_FLAGS) !== 0) return false;
  into.kindByte = kind;
  into.flags = flags;
  into.expiresAt = expires ? readUint64(bytes, at + BODY_AT) : 0;
  return !expires || (into.expiresAt > 0 && Number.isSafeInteger(into.expiresAt));
}

function decodeRecord(
  bytes: Buffer,
  position: number,
  start: number,
  end: number,
  seed: number,
): StoredRecord | undefined {
  const record = new BinaryRecord(bytes, start, position);
  if (!parseRecord(bytes, start, end, seedAt(seed, position), record)) return undefined;
  return record.end === end && record.kindByte !== KIND_SEAL ? record : undefined;
}

/** A decoded record: key and value are taken out of the buffer only where they are asked for. */
class BinaryRecord extends RecordLayout implements StoredRecord {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly position: number;

  constructor(bytes: Buffer, start: number, position: number) {
    super();
    this.#bytes = bytes;
    this.#start = start;
    this.position = position;
  }

  get length(): number {
    return this.end - this.#start;
  }

  get kind(): "put" | "remove" {
    return this.kindByte === KIND_PUT ? "put" : "remove";
  }

  get key(): EncodedKey {
    return this.#bytes.latin1Slice(this.keyAt, this.valueAt) as EncodedKey;
  }

  get value(): Buffer {
    return this.#bytes.subarray(this.valueAt, this.end);
  }

  get encoding(): ValueEncoding {
    return encodingOf(this.flags);
  }

  /** Appends the record as it is, but for its checksum, which depends on where it stands; returns that. */
  copyTo(out: ByteWriter, position: number, seed: number): number {
    const buffer = out.reserve(this.length);
    const start = out.length;
    const end = start + this.length;
    this.#bytes.copy(buffer, start, this.#start, this.#start + this.length);
    const to = seedAt(seed, position);
    const checksum =
      restartedCrc32(this.checksum, { bytes: this.length - KIND_AT, from: this.seed, to }) ??
      crc32(buffer, start + KIND_AT, end, to);
    buffer.writeUInt32LE(checksum, start);
    out.length = end;
    return checksum;
  }

  hasKey(key: EncodedKey): boolean {
    return isKey(this.#bytes, this.keyAt, key, this.valueAt - this.keyAt);
  }

  text(): string | undefined {
    const { flags, valueAt, end } = this;
    if ((flags & FLAG_ASCII) !== 0) return this.#bytes.latin1Slice(valueAt, end);
    if ((flags & FLAG_UTF8) !== 0) return this.#bytes.utf8Slice(valueAt, end);
    return decodeUtf8(this.value);
  }
}

/** What most records do. */
const PLAIN_PUT = { kind: "put", expiresAt: 0 } as const;
const PLAIN_REMOVAL = { kind: "remove", expiresAt: 0 } as const;

/** What a verified record does to its key; nothing is made for those that do not expire, since an index asks for millions. */
function glance(bytes: Buffer, start: number): Pick<StoredRecord, "kind" | "expiresAt"> {
  const plain = bytes[start + KIND_AT] === KIND_PUT ? PLAIN_PUT : PLAIN_REMOVAL;
  const expires = ((bytes[start + FLAGS_AT] ?? 0) & FLAG_EXPIRES) !== 0;
  return expires ? { ...plain, expiresAt: readUint64(bytes, start + BODY_AT) } : plain;
}

function isKey(bytes: Buffer, at: number, key: EncodedKey, length: number): boolean {
  if (key.length !== length) return false;
  for (let index = 0; index < length; index += 1) {
    if (bytes[at + index] !== key.charCodeAt(index)) return false;
  }
  return true;
}

function endOfRecord(bytes: Buffer, start: number): number | undefined {
  if (start + BODY_AT > bytes.length) return undefined;
  const end = keyEnd(bytes, start) + bytes.readUInt32LE(start + VALUE_LENGTH_AT);
  return end <= bytes.length ? end : undefined;
}

/**
 * One loop without calls: a process that reads one key runs it cold. 0.3 us a
 * record then, against 3 us for parsing and verifying it.
 */
function findNewest(
  bytes: Buffer,
  start: number,
  end: number,
  key: EncodedKey,
): RecordSpan | "damaged" | undefined {
  let found = -1;
  let foundEnd = -1;
  const keyLength = key.length;
  for (let at = start; at < end;) {
    if (at + FRAME_HEADER_BYTES > end) return "damaged";
    const frameEnd = at + FRAME_HEADER_BYTES + bytes.readUInt32LE(at);
    if (frameEnd > end) return "damaged";
    at += FRAME_HEADER_BYTES;
    while (at < frameEnd) {
      if (at + BODY_AT > frameEnd) return "damaged";
      const length = bytes.readUInt16LE(at + KEY_LENGTH_AT);
      const keyAt = at + BODY_AT + (((bytes[at + FLAGS_AT] ?? 0) & FLAG_EXPIRES) === 0 ? 0 : EXPIRY_BYTES);
      const next = keyAt + length + bytes.readUInt32LE(at + VALUE_LENGTH_AT);
      if (next > frameEnd) return "damaged";
      if (length === keyLength && isKey(bytes, keyAt, key, length)) {
        found = at;
        foundEnd = next;
      }
      at = next;
    }
  }
  return found < 0 ? undefined : { start: found, end: foundEnd };
}

function keyStart(bytes: Buffer, start: number): number {
  return start + BODY_AT + (((bytes[start + FLAGS_AT] ?? 0) & FLAG_EXPIRES) === 0 ? 0 : EXPIRY_BYTES);
}

const rawKeys: RawKeys = {
  startOf: keyStart,
  lengthOf: (bytes, start) => bytes.readUInt16LE(start + KEY_LENGTH_AT),
};

function keyEnd(bytes: Buffer, start: number): number {
  return keyStart(bytes, start) + bytes.readUInt16LE(start + KEY_LENGTH_AT);
}

function encodingOf(flags: number): ValueEncoding {
  if ((flags & FLAG_ASCII) !== 0) return "ascii";
  return (flags & FLAG_UTF8) !== 0 ? "utf8" : "bytes";
}
