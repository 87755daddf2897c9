import type { ReadableFile, ReadingDisk } from "../disk/disk.ts";
import { indexName, isImportName, logName, parseIndexName, parseLogName } from "../disk/file-names.ts";
import { hasBinaryMagic, parseBinaryHeader } from "../format/binary-header.ts";
import { seedOf } from "../format/binary-layout.ts";
import { claimedEnd, decodeRecord, findNewest } from "../format/binary-record.ts";
import { crc32 } from "../format/bytes.ts";
import { hashKey, hashSeedOf } from "../format/hash.ts";
import type { Interval, LogHeader } from "../format/header.ts";
import { type Hint, parseHint } from "../format/hint.ts";
import type { EncodedKey } from "../format/key.ts";
import type { StoredRecord } from "../format/record.ts";
import { TAIL_BYTES } from "./log-options.ts";
import { placesOf } from "./settled-index.ts";
import { tile } from "./tiling.ts";

/*
 * The short way to a binary store that is settled: nobody is writing, LOCK vouches
 * for every byte of the newest log, all others have their indexes, and nothing is left
 * of a merge or an import. Whatever else it meets it takes for `Unsettled`, and judges
 * nothing: to tell a torn tail from damage, or to do without an index, is the work of
 * `Generations`. All that it serves was verified, as there.
 *
 * Few functions, few objects: a process that does one thing runs every line of it for
 * the first time, which takes 5 to 10 us a function.
 */

/** The headers of most logs fit in. */
const HEADER_GUESS_BYTES = 512;

/** What is read of a record whose length the index does not know: its fields are in there. */
const RECORD_GUESS_BYTES = 4096;

/** The store is not settled, or not sound: how things are, somebody else has to find out. */
export class Unsettled extends Error {
  override readonly name: string = "Unsettled";
}

/** A log of a settled store, open. */
interface SettledLog {
  readonly file: ReadableFile;
  readonly header: LogHeader;
  readonly headerBytes: number;
}

/** A settled store, open. */
export interface SettledStore {
  readonly disk: ReadingDisk;
  readonly directory: string;
  readonly hint: Hint;
  /** Oldest first, without the newest. */
  readonly sealed: readonly SettledLog[];
  readonly newest: SettledLog;
  /** The newest log from its header on. */
  readonly tail: Buffer;
}

/** Opens a store, if it is settled; `hint` is what LOCK starts with. The caller closes the files, whatever happens. */
export function openSettled(
  disk: ReadingDisk,
  directory: string,
  hint: Buffer,
  files: ReadableFile[],
): SettledStore {
  const parsed = parseHint(hint);
  if (parsed === undefined || parsed.counter % 2 !== 0) throw new Unsettled();
  const logs = openLogs(disk, directory, listLogs(disk, directory, parsed.generation), files);
  const newest = logs.pop() ?? refuse();
  return { disk, directory, hint: parsed, sealed: logs, newest, tail: readTail(newest, parsed) };
}

/** Opens a file that a settled store has. */
export function openPart(disk: ReadingDisk, path: string, files: ReadableFile[]): ReadableFile {
  const file = disk.openToRead(path);
  if (file === undefined) throw new Unsettled();
  files.push(file);
  return file;
}

/** The newest record of a key, a removal too. */
export function findSettled(
  store: SettledStore,
  key: EncodedKey,
  files: ReadableFile[],
): StoredRecord | undefined {
  const { tail, newest } = store;
  const span = findNewest(tail, 0, tail.length, key);
  if (span === undefined) return findInSealed(store, key, files);
  if (span === "damaged") return refuse();
  const { headerBytes, header } = newest;
  const position = headerBytes + span.start;
  return decodeRecord(tail, position, span.start, span.end, seedOf(header.logId)) ?? refuse();
}

/** The logs that are there, if they are a store whose newest log is the one that LOCK knows. */
function listLogs(disk: ReadingDisk, directory: string, newest: number): readonly Interval[] {
  const intervals: Interval[] = [];
  let indexes = 0;
  for (const name of disk.list(directory) ?? []) {
    const interval = parseLogName(name);
    if (interval !== undefined) intervals.push(interval);
    else if (parseIndexName(name) !== undefined) indexes += 1;
    else if (isImportName(name)) throw new Unsettled();
  }
  const { current, superseded, problem } = tile(intervals);
  // Indexes are only counted: a lookup opens each by its log's name, and a write needs none.
  const isWhole = problem === undefined && superseded.length === 0 && indexes === current.length - 1;
  if (!isWhole || current[current.length - 1]?.last !== newest) throw new Unsettled();
  return current;
}

/** Opens logs and checks their headers, which must be of one store. */
function openLogs(
  disk: ReadingDisk,
  directory: string,
  intervals: readonly Interval[],
  files: ReadableFile[],
): SettledLog[] {
  const logs: SettledLog[] = [];
  for (const interval of intervals) {
    const file = openPart(disk, `${directory}/${logName(interval)}`, files);
    let start = file.read(0, HEADER_GUESS_BYTES);
    if (!hasBinaryMagic(start)) throw new Unsettled();
    let parsed = parseBinaryHeader(start);
    if (parsed.status === "incomplete") {
      start = file.read(0, parsed.needed);
      parsed = parseBinaryHeader(start);
    }
    if (parsed.status !== "header") throw new Unsettled();
    const { header, length } = parsed;
    const isFitting = header.first === interval.first && header.last === interval.last;
    if (!isFitting || header.storeId !== (logs[0]?.header ?? header).storeId) throw new Unsettled();
    logs.push({ file, header, headerBytes: length });
  }
  return logs;
}

/** Reads the newest log, all of which must be as LOCK says. Its digest leaves a seal out: with one, it does not fit. */
function readTail({ file, header, headerBytes }: SettledLog, hint: Hint): Buffer {
  const { writtenBytes, syncedBytes, tailDigest } = hint;
  const length = writtenBytes - headerBytes;
  const isKnown = header.logId === hint.logId && syncedBytes <= writtenBytes && file.size() === writtenBytes;
  if (!isKnown || length < 0 || length > TAIL_BYTES) throw new Unsettled();
  const tail = file.read(headerBytes, length);
  if (tail.length !== length || crc32(tail, 0, length, 0) !== tailDigest) throw new Unsettled();
  return tail;
}

/** Looks a key up in sealed logs, the newest of them first, by their indexes. */
function findInSealed(
  { disk, directory, sealed }: SettledStore,
  key: EncodedKey,
  files: ReadableFile[],
): StoredRecord | undefined {
  const hash = hashKey(key, hashSeedOf(sealed[0]?.header.storeId ?? ""));
  for (let at = sealed.length - 1; at >= 0; at -= 1) {
    const { file, header } = sealed[at] as SettledLog;
    const index = openPart(disk, `${directory}/${indexName(header)}`, files);
    const places = placesOf(index, { logId: header.logId, bytes: file.size() }, hash) ?? refuse();
    for (const { position, length } of places) {
      const record = readRecord(file, position, length, header);
      if (record.hasKey(key)) return record;
    }
  }
  return undefined;
}

/** Reads a record of a sealed log; `length` is 0 where the index does not know it. */
function readRecord(file: ReadableFile, position: number, length: number, header: LogHeader): StoredRecord {
  const bytes = length > 0 ? length : (claimedEnd(file.read(position, RECORD_GUESS_BYTES), 0) ?? 0);
  // No more memory than there are bytes: what a record claims may be damaged.
  if (length === 0 && position + bytes > file.size()) return refuse();
  const record = file.read(position, bytes);
  if (record.length < bytes) return refuse();
  return decodeRecord(record, position, 0, bytes, seedOf(header.logId)) ?? refuse();
}

function refuse(): never {
  throw new Unsettled();
}
