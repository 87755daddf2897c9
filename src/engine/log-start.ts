import type { ReadableFile } from "../disk/disk.ts";
import { logName } from "../disk/file-names.ts";
import { binaryCodec, binaryCodecFrom } from "../format/binary-codec.ts";
import { foreignCodec, startsAsForeign } from "../format/foreign-codec.ts";
import type { Interval, LogHeader } from "../format/header.ts";
import { jsonCodec } from "../format/json-codec.ts";
import { formatOf } from "../format/log-header.ts";
import {
  binaryResync,
  binaryResyncFrom,
  foreignResync,
  jsonResync,
  seedSuggestedAt,
} from "../format/salvage.ts";
import { foreignHead, readStart, unsupported } from "./log-head.ts";
import { LogWalk, type WalkableLog } from "./log-walk.ts";

const CHUNK_BYTES: number = 1024 * 1024;

/** Enough to tell whether a frame and a record may stand at a place. */
const OVERLAP_BYTES = 32;

const NEWLINE = 0x0a;

/** The header of a JSON log, before what is its own. */
const JSON_HEADER_START = '{"Remove":{"key":""';

/** A file to be read from its start. */
type Readable = Pick<ReadableFile, "path" | "read" | "size">;

/** How a log starts, whatever state it is in. */
export interface LogStart {
  /** What its header says; undefined where that cannot be read. Of a log of the original kvs, what stands for it. */
  readonly header: LogHeader | undefined;
  /** Why the header cannot be used as it is. */
  readonly fault: string | undefined;
  /** How its frames can be read; undefined where not even that can be told. */
  readonly walkable: WalkableLog | undefined;
}

/** Reads the start of a log, and takes it for one of the original kvs if it has no header. */
export function* startOf(file: Readable, interval: Interval): Generator<void, LogStart> {
  const { bytes, parsed } = readStart(file);
  if (interval.first === interval.last && startsAsForeign(bytes)) {
    const { header } = foreignHead(file, interval.first);
    return { header, fault: undefined, walkable: { codec: foreignCodec, resync: foreignResync, start: 0 } };
  }
  if (parsed.status === "version") throw unsupported(file, parsed.version);
  if (parsed.status !== "header") {
    return yield* lostStart(file, parsed.status === "damaged" ? parsed.reason : "its header breaks off");
  }
  const { header, length } = parsed;
  const isOther = header.first !== interval.first || header.last !== interval.last;
  const fault = isOther ? `its header is that of "${logName(header)}"` : undefined;
  const walkable =
    formatOf(bytes) === "json"
      ? { codec: jsonCodec, resync: jsonResync, start: length }
      : { codec: binaryCodec(header.logId), resync: binaryResync(header.logId), start: length };
  return { header, fault, walkable };
}

/** What can be told of a log without its header. */
export function* lostStart(file: Readable, fault: string): Generator<void, LogStart> {
  const { bytes } = readStart(file);
  const walkable = formatOf(bytes) === "json" ? jsonWithoutHeader(file) : yield* findBinaryStart(file);
  return { header: undefined, fault, walkable: walkable ?? findJsonStart(file) };
}

/** The first line is no record if it was the header. */
function jsonWithoutHeader(file: Readable): WalkableLog {
  const bytes = file.read(0, CHUNK_BYTES);
  const isHeader = bytes.subarray(0, JSON_HEADER_START.length).latin1Slice() === JSON_HEADER_START;
  return { codec: jsonCodec, resync: jsonResync, start: isHeader ? bytes.indexOf(NEWLINE) + 1 : 0 };
}

/** Where the first line starts that seems to be a command, near the start of the file. */
function findJsonStart(file: Readable): WalkableLog | undefined {
  const bytes = file.read(0, CHUNK_BYTES);
  const starts = ['\n{"Set":', '\n{"Remove":'].map((start) => bytes.indexOf(start)).filter((at) => at >= 0);
  if (starts.length === 0) return undefined;
  return { codec: jsonCodec, resync: jsonResync, start: Math.min(...starts) + 1 };
}

/**
 * Finds the first frame of a binary log whose header, and with it the log's id, is
 * lost: where its length suggests a start for the checksums under which the next
 * frame's head verifies as well, or a whole one ends the file.
 */
function* findBinaryStart(file: Readable): Generator<void, WalkableLog | undefined> {
  const size = file.size();
  for (let at = 0; at < size; at += CHUNK_BYTES) {
    yield;
    const bytes = file.read(at, CHUNK_BYTES + OVERLAP_BYTES);
    const last = Math.min(CHUNK_BYTES, bytes.length);
    for (let offset = 0; offset < last; offset += 1) {
      const seed = seedSuggestedAt(bytes, offset, at + offset);
      if (seed === undefined) continue;
      const length = binaryResyncFrom(seed).frameBytes(bytes, offset, at + offset) ?? 0;
      if (isFrame(file, seed, at + offset, length, size)) return walkableFrom(seed, at + offset);
    }
  }
  return undefined;
}

function walkableFrom(seed: number, start: number): WalkableLog {
  return { codec: binaryCodecFrom(seed), resync: binaryResyncFrom(seed), start };
}

function isFrame(file: Readable, seed: number, position: number, length: number, size: number): boolean {
  const after = position + length;
  if (length === 0 || after > size) return false;
  if (after < size) {
    const next = file.read(after, OVERLAP_BYTES);
    return (binaryResyncFrom(seed).frameBytes(next, 0, after) ?? 0) > 0;
  }
  const [item] = new LogWalk(file, walkableFrom(seed, position), size).items();
  return item?.kind === "frame";
}
