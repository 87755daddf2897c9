import {
  FLAGS_AT,
  FRAME_CRC_AT,
  FRAME_HEADER_BYTES,
  KIND_AT,
  KIND_PUT,
  KIND_SEAL,
  KNOWN_FLAGS,
  seedAt,
  seedOf,
} from "./binary-layout.ts";
import { crc32OfWord, seedOfWord } from "./bytes.ts";
import type { LogCodec, RecordSpan } from "./codec.ts";
import { decodeUtf8 } from "./key.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";

/*
 * How what is whole is found again behind what is damaged. A checksum starts from
 * the log's id and the position, so that what verifies at a place was written there.
 */
const NEWLINE = 0x0a;

/** How a line ends on which a batch goes on, and how any other one does. */
const MORE = '"more":true}}';
const COMMAND_END = "}}";

/** The commands of the original as they start; neither can stand inside a string, where quotes are escaped. */
const FOREIGN_STARTS = ['{"Set"', '{"Remove"'] as const;

/**
 * Most bytes that are summed up in vain to find the records of one damaged frame: a length
 * that is none may claim anything. Believed lengths may take as much again as a frame may have.
 */
const MAX_SUMMED_BYTES: number = 256 * 1024 * 1024;

/** Whether the damaged record at `start` of a binary log seems to be a seal, which has no key. */
export function seemsSeal(bytes: Buffer, start: number): boolean {
  return bytes[start + KIND_AT] === KIND_SEAL;
}

/** Finds the frames of one log again. */
export interface Resync {
  /**
   * Bytes of what counts as one frame at `offset`, whatever became of its records;
   * 0 where that cannot be told, undefined where it takes more of the log to tell.
   */
  frameBytes(bytes: Buffer, offset: number, position: number): number | undefined;
  /** The first offset, from `offset` on, at which a frame may start; undefined where none does. */
  findFrame(bytes: Buffer, offset: number, position: number): number | undefined;
  /** Bytes at the end of a buffer in which a frame that starts there cannot be told yet. */
  readonly overlap: number;
}

/** Of the binary log with this id. */
export function binaryResync(logId: string): Resync {
  return binaryResyncFrom(seedOf(logId));
}

/** Of a binary log whose checksums start from `seed`. */
export function binaryResyncFrom(seed: number): Resync {
  return {
    overlap: FRAME_HEADER_BYTES - 1,
    frameBytes: (bytes, offset, position) => {
      if (offset + FRAME_HEADER_BYTES > bytes.length) return undefined;
      return isFrameHead(bytes, offset, position, seed) ? wholeFrame(bytes, offset) : 0;
    },
    findFrame: (bytes, offset, position) => {
      const last = bytes.length - FRAME_HEADER_BYTES;
      for (let at = offset; at <= last; at += 1) {
        if (isFrameHead(bytes, at, position + at - offset, seed)) return at;
      }
      return undefined;
    },
  };
}

/** Of a JSON log: a frame ends with its last line, as far as the lines tell. */
export const jsonResync: Resync = {
  overlap: 0,
  frameBytes: (bytes, offset) => {
    let at = offset;
    for (let goesOn = true; goesOn;) {
      const end = bytes.indexOf(NEWLINE, at);
      if (end < 0) return undefined;
      goesOn = continuesBatch(bytes, at, end, { inBatch: at > offset });
      at = end + 1;
    }
    return at - offset;
  },
  findFrame: () => undefined,
};

/** Of a log of the original kvs: nothing tells where a command that is damaged ends, but where the next one starts. */
export const foreignResync: Resync = {
  overlap: Math.max(...FOREIGN_STARTS.map((start) => start.length)) - 1,
  frameBytes: () => 0,
  findFrame: (bytes, offset) => {
    const found = FOREIGN_STARTS.map((start) => bytes.indexOf(start, offset)).filter((at) => at >= 0);
    return found.length === 0 ? undefined : Math.min(...found);
  },
};

/**
 * What the checksums of a binary log start from, if a frame and its first record
 * stand at `offset`: four bytes and their checksum leave only one possibility.
 * Whether they do stand there is for the caller to find out.
 */
export function seedSuggestedAt(bytes: Buffer, offset: number, position: number): number | undefined {
  const record = offset + FRAME_HEADER_BYTES;
  if (record + FLAGS_AT >= bytes.length || !isFrameLength(bytes.readUInt32LE(offset))) return undefined;
  const kind = bytes[record + KIND_AT] ?? 0;
  const flags = bytes[record + FLAGS_AT] ?? 0;
  if (kind < KIND_PUT || kind > KIND_SEAL || (flags & ~KNOWN_FLAGS) !== 0) return undefined;
  const start = seedOfWord(bytes.readUInt32LE(offset), bytes.readUInt32LE(offset + FRAME_CRC_AT));
  // The position is mixed in by XOR: mixing it in again takes it out.
  return seedAt(start, position);
}

/**
 * The records that verify between two offsets of a buffer, in their order; what is
 * between them is damaged. Behind one that does not verify every place is tried, since a
 * damaged length may lead to where another record starts. Where that would take too long,
 * the length is believed: mostly it is right, and what is damaged is the value.
 */
export function* recordsAmong(
  codec: LogCodec,
  bytes: Buffer,
  { start, end }: RecordSpan,
  position: number,
): Generator<RecordSpan> {
  let budget = MAX_SUMMED_BYTES;
  for (let at = start; at < end && budget > -MAX_FRAME_BYTES;) {
    const found = recordAt(at) ?? firstBehind(at) ?? recordAt(endAt(at));
    if (found === undefined) return;
    yield found;
    at = found.end;
  }

  /** Where the record at a place ends, by what it says; the end where it does not say, or says too much. */
  function endAt(at: number): number {
    const recordEnd = codec.endOfRecord(bytes, at);
    return recordEnd === undefined || recordEnd > end ? end : recordEnd;
  }

  function recordAt(at: number): RecordSpan | undefined {
    const recordEnd = codec.endOfRecord(bytes, at);
    if (recordEnd === undefined || recordEnd > end) return undefined;
    const record = codec.decodeRecord(bytes, position + at - start, at, recordEnd);
    if (record !== undefined) return { start: at, end: recordEnd };
    budget -= recordEnd - at;
    return undefined;
  }

  function firstBehind(damaged: number): RecordSpan | undefined {
    for (let at = damaged + 1; at < end && budget > 0; at += 1) {
      const found = recordAt(at);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

export function gapsBetween(spans: readonly RecordSpan[], { start, end }: RecordSpan): RecordSpan[] {
  const starts = [...spans.map((span) => span.start), end];
  const ends = [start, ...spans.map((span) => span.end)];
  return starts.flatMap((to, index) => {
    const from = ends[index] ?? 0;
    return from < to ? [{ start: from, end: to }] : [];
  });
}

function isFrameHead(bytes: Buffer, offset: number, position: number, seed: number): boolean {
  const length = bytes.readUInt32LE(offset);
  return (
    isFrameLength(length) &&
    crc32OfWord(length, seedAt(seed, position)) === bytes.readUInt32LE(offset + FRAME_CRC_AT)
  );
}

function isFrameLength(length: number): boolean {
  return length > 0 && length <= MAX_FRAME_BYTES;
}

function wholeFrame(bytes: Buffer, offset: number): number {
  return FRAME_HEADER_BYTES + bytes.readUInt32LE(offset);
}

/**
 * Whether the batch that a line belongs to goes on behind it. Where the line's end
 * is damaged, the lines beside it tell.
 */
function continuesBatch(
  bytes: Buffer,
  start: number,
  end: number,
  { inBatch }: { readonly inBatch: boolean },
): boolean {
  if (endsWith(bytes, start, end, MORE)) return true;
  if (endsWith(bytes, start, end, COMMAND_END)) return false;
  const next = bytes.indexOf(NEWLINE, end + 1);
  return next >= 0 && (inBatch || endsWith(bytes, end + 1, next, MORE));
}

function endsWith(bytes: Buffer, start: number, end: number, text: string): boolean {
  return end - start >= text.length && bytes.latin1Slice(end - text.length, end) === text;
}

/** The key that a damaged command seems to have. */
const KEY_OF_COMMAND = /^\{"(?:Set|Remove)":\{"key":("(?:[^"\\]|\\.)*")/;

/** The key in a line that is no command any more, if it can still be read. */
export function keyInLine(bytes: Buffer): string | undefined {
  const quoted = KEY_OF_COMMAND.exec(decodeUtf8(bytes) ?? "")?.[1];
  if (quoted === undefined) return undefined;
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}
