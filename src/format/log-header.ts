import { binaryCodec } from "./binary-codec.ts";
import { encodeBinaryHeader, hasBinaryMagic, parseBinaryHeader } from "./binary-header.ts";
import type { LogCodec, LogFormat } from "./codec.ts";
import type { LogHeader, ParsedHeader } from "./header.ts";
import { encodeJsonHeader, jsonCodec, parseJsonHeader } from "./json-codec.ts";

const OPEN_BRACE = 0x7b;
const SPACE = 0x20;
const NEWLINE = 0x0a;

/** Encodes the head of a new log. */
export function encodeLogHeader(format: LogFormat, header: LogHeader): Buffer {
  return format === "binary" ? encodeBinaryHeader(header) : encodeJsonHeader(header);
}

/**
 * Encodes a head that takes the place of one of `length` bytes, the same but for
 * its numbers: in a text they may be shorter, and spaces make up for that.
 */
export function encodeLogHeaderAnew(format: LogFormat, header: LogHeader, length: number): Buffer {
  const head = encodeLogHeader(format, header);
  if (head.length === length) return head;
  if (format === "binary" || head.length > length) throw new Error("A head does not fit where it is to go");
  const padded = Buffer.alloc(length, SPACE);
  padded.set(head.subarray(0, -1));
  padded[length - 1] = NEWLINE;
  return padded;
}

/** Tells the format by the first byte: a JSON log starts with a brace, a binary one with a byte no text has. */
export function formatOf(bytes: Buffer): LogFormat | undefined {
  if (bytes[0] === OPEN_BRACE) return "json";
  return hasBinaryMagic(bytes) ? "binary" : undefined;
}

/** Parses the head of a log of either format. */
export function parseLogHeader(bytes: Buffer): ParsedHeader {
  switch (formatOf(bytes)) {
    case "binary":
      return parseBinaryHeader(bytes);
    case "json":
      return parseJsonHeader(bytes);
    case undefined:
      return { status: "damaged", reason: "it does not start as a log does" };
  }
}

/** The codec for the records of a log. */
export function codecFor(format: LogFormat, logId: string): LogCodec {
  return format === "binary" ? binaryCodec(logId) : jsonCodec;
}
