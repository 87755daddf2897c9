import { crc32, readUint64, writeUint64 } from "./bytes.ts";
import { FORMAT_VERSION, isInterval, type LogHeader, type ParsedHeader } from "./header.ts";
import { MAX_INPUTS } from "./limits.ts";

/**
 * Starts a binary log. Like PNG's, it holds a byte over 127, both line endings
 * and an end-of-file mark, so that a transfer in text mode cannot leave it whole.
 */
const MAGIC = "\x89KVS\r\n\x1a\n";

const STORE_ID_BYTES = 16;
const LOG_ID_BYTES = 8;
const CRC_BYTES = 4;

const VERSION_AT: number = MAGIC.length;
const LENGTH_AT: number = VERSION_AT + 4;
const STORE_ID_AT: number = LENGTH_AT + 4;
const LOG_ID_AT: number = STORE_ID_AT + STORE_ID_BYTES;
const FIRST_AT: number = LOG_ID_AT + LOG_ID_BYTES;
const LAST_AT: number = FIRST_AT + 8;
const INPUT_COUNT_AT: number = LAST_AT + 8;
const INPUTS_AT: number = INPUT_COUNT_AT + 4;

/** Bytes of the header of a log that is no merge. */
const PLAIN_HEADER_BYTES: number = INPUTS_AT + CRC_BYTES;

const MAX_HEADER_BYTES: number = PLAIN_HEADER_BYTES + MAX_INPUTS * LOG_ID_BYTES;

/** True when a file's first bytes are those of a binary log, or a beginning of them. */
export function hasBinaryMagic(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, MAGIC.length);
  return length > 0 && bytes.latin1Slice(0, length) === MAGIC.slice(0, length);
}

export function encodeBinaryHeader(header: LogHeader): Buffer {
  const bytes = Buffer.alloc(PLAIN_HEADER_BYTES + header.inputs.length * LOG_ID_BYTES);
  bytes.latin1Write(MAGIC, 0);
  bytes.writeUInt32LE(FORMAT_VERSION, VERSION_AT);
  bytes.writeUInt32LE(bytes.length, LENGTH_AT);
  bytes.write(header.storeId, STORE_ID_AT, "hex");
  bytes.write(header.logId, LOG_ID_AT, "hex");
  writeUint64(bytes, header.first, FIRST_AT);
  writeUint64(bytes, header.last, LAST_AT);
  bytes.writeUInt32LE(header.inputs.length, INPUT_COUNT_AT);
  for (const [index, input] of header.inputs.entries()) {
    bytes.write(input, INPUTS_AT + index * LOG_ID_BYTES, "hex");
  }
  const crcAt = bytes.length - CRC_BYTES;
  bytes.writeUInt32LE(crc32(bytes, 0, crcAt, 0), crcAt);
  return bytes;
}

/**
 * Parses the head of a binary log, which starts with the magic. Every version
 * keeps that, the version, the header's length and the checksum at its end where
 * they are, so that a later version is told from a damaged byte.
 */
export function parseBinaryHeader(bytes: Buffer): ParsedHeader {
  if (bytes.length < PLAIN_HEADER_BYTES) return { status: "incomplete", needed: PLAIN_HEADER_BYTES };
  const length = bytes.readUInt32LE(LENGTH_AT);
  if (length < PLAIN_HEADER_BYTES || length > MAX_HEADER_BYTES) {
    return { status: "damaged", reason: `its header claims ${length} bytes` };
  }
  if (bytes.length < length) return { status: "incomplete", needed: length };
  const crcAt = length - CRC_BYTES;
  if (crc32(bytes, 0, crcAt, 0) !== bytes.readUInt32LE(crcAt)) {
    return { status: "damaged", reason: "its header fails its checksum" };
  }
  const version = bytes.readUInt32LE(VERSION_AT);
  return version === FORMAT_VERSION ? parseVersion1(bytes, length) : { status: "version", version };
}

function parseVersion1(bytes: Buffer, length: number): ParsedHeader {
  const first = readUint64(bytes, FIRST_AT);
  const last = readUint64(bytes, LAST_AT);
  const inputCount = bytes.readUInt32LE(INPUT_COUNT_AT);
  if (!isInterval(first, last) || length !== PLAIN_HEADER_BYTES + inputCount * LOG_ID_BYTES) {
    return { status: "damaged", reason: "its header contradicts itself" };
  }
  const inputs: string[] = [];
  for (let index = 0; index < inputCount; index += 1) {
    const at = INPUTS_AT + index * LOG_ID_BYTES;
    inputs.push(bytes.toString("hex", at, at + LOG_ID_BYTES));
  }
  const storeId = bytes.toString("hex", STORE_ID_AT, LOG_ID_AT);
  const logId = bytes.toString("hex", LOG_ID_AT, FIRST_AT);
  return { status: "header", length, header: { storeId, logId, first, last, inputs } };
}
