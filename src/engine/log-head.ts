import type { ReadableFile } from "../disk/disk.ts";
import { logName } from "../disk/file-names.ts";
import type { LogCodec } from "../format/codec.ts";
import { KvsError } from "../format/errors.ts";
import type { Interval, LogHeader, ParsedHeader } from "../format/header.ts";
import { foreignCodec, startsAsForeign } from "../format/foreign-codec.ts";
import { foreignHeader, foreignLogId } from "../format/foreign-store.ts";
import { codecFor, formatOf, parseLogHeader } from "../format/log-header.ts";
import { digestOf } from "./file-digest.ts";

/** Few logs are merged from more than fifty others. */
const HEADER_GUESS_BYTES = 512;

/** What the start of a log says. */
export interface LogHead {
  readonly header: LogHeader;
  /** Where the first frame starts. */
  readonly headerBytes: number;
  readonly codec: LogCodec;
}

/**
 * Reads the head of a log and holds it against the file's name. One without a
 * header may be a log of the original kvs: whether it belongs to the store, the
 * others tell.
 */
export function readLogHeader(file: ReadableFile, interval: Interval): LogHead {
  const { bytes, parsed } = readStart(file);
  if (interval.first === interval.last && startsAsForeign(bytes)) return foreignHead(file, interval.first);
  if (parsed.status === "version") throw unsupported(file, parsed.version);
  if (parsed.status !== "header") {
    throw damaged(file, parsed.status === "damaged" ? parsed.reason : "its header breaks off");
  }
  const { header, length } = parsed;
  if (header.first !== interval.first || header.last !== interval.last) {
    throw damaged(file, `its header is that of "${logName(header)}"`);
  }
  return { header, headerBytes: length, codec: codecFor(formatOf(bytes) ?? "binary", header.logId) };
}

/** The first bytes of a log, all of its header among them, and what they say. */
export function readStart(file: Pick<ReadableFile, "read" | "size">): {
  readonly bytes: Buffer;
  readonly parsed: ParsedHeader;
} {
  let bytes = file.read(0, HEADER_GUESS_BYTES);
  let parsed = parseLogHeader(bytes);
  while (parsed.status === "incomplete" && bytes.length < file.size()) {
    bytes = file.read(0, Math.min(parsed.needed, file.size()));
    parsed = parseLogHeader(bytes);
  }
  return { bytes, parsed };
}

export function foreignHead(file: Pick<ReadableFile, "read" | "size">, generation: number): LogHead {
  const header = foreignHeader(generation, () => foreignLogId(generation, digestOf(file)));
  return { header, headerBytes: 0, codec: foreignCodec };
}

function damaged({ path }: ReadableFile, reason: string): KvsError {
  return new KvsError("CORRUPT", `Cannot read "${path}": ${reason} at offset 0`, { file: path, offset: 0 });
}

export function unsupported({ path }: Pick<ReadableFile, "path">, version: number): KvsError {
  const message = `Cannot open "${path}": format version is ${version}, expected 1`;
  return new KvsError("UNSUPPORTED_VERSION", message, { file: path });
}
