import type { AppendableFile, Disk } from "../disk/disk.ts";
import { indexName, logName, temporaryName } from "../disk/file-names.ts";
import { ByteWriter, crc32 } from "../format/bytes.ts";
import type { LogCodec, LogFormat } from "../format/codec.ts";
import { hashKey, hashKeyBytes, hashSeedOf } from "../format/hash.ts";
import type { Interval, LogHeader } from "../format/header.ts";
import type { ContentStamp } from "../format/index-file.ts";
import { codecFor, encodeLogHeader } from "../format/log-header.ts";
import { LogTally, type Mutation, type StoredRecord } from "../format/record.ts";
import { hasBug } from "../format/seeded-bugs.ts";
import { isLive } from "./generations.ts";
import { newLogId } from "./identifiers.ts";
import { IndexBuilder } from "./index-builder.ts";
import { IndexTally } from "./index-tally.ts";
import { isBlocked, NO_STAMP, publishIndex, writeIndex } from "./index-writing.ts";
import type { Log } from "./log.ts";
import { NewestRecords } from "./newest-records.ts";

/** Records share a frame up to this size: a frame's header is then paid for once by many. */
const FRAME_BYTES = 64 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/**
 * The output is synced after each of these, so that one huge sync does not stall every other one on the disk. The system
 * begins to write each chunk before, while the next one is made.
 */
const SYNC_INTERVAL_BYTES = 8 * 1024 * 1024;

export interface Merge {
  readonly storeId: string;
  readonly disk: Disk;
  readonly directory: string;
  /** Neighbours, oldest first, the order of whose keys is known; all of them read to their end. */
  readonly inputs: readonly Log[];
  /** Ids of the logs whose place the output is to take; without them, those of the inputs. */
  readonly replaces?: readonly string[];
  /** The logs below them, oldest first. */
  readonly older: readonly Log[];
  /** What the output stands for: at least the inputs, and never a name that was used before. */
  readonly interval: Interval;
  readonly format: LogFormat;
  readonly bloomBitsPerKey: number;
  /** The time that decides which records have expired, in absolute milliseconds. */
  readonly now: number;
  /** Told how many bytes were written. */
  readonly onWritten?: (bytes: number) => void;
}

/** A merged log that is whole and durable under its temporary name. */
export interface MergedLog {
  readonly header: LogHeader;
  /** So is its index; false where that could not be written. */
  readonly isIndexed: boolean;
  readonly bytes: number;
}

/**
 * Merges logs into one, sorted by key, that holds the newest record of each key
 * among them. It judges by its inputs alone: newer logs may not be durable.
 *
 * A removal is dropped only where nothing older exists; above that an expired
 * record becomes a removal, since dropping it would bring an older value back.
 *
 * Yields between frames, for the caller to let others run or to stop.
 */
export function* mergeLogs(merge: Merge): Generator<void, MergedLog> {
  const { disk, directory, storeId, interval, format } = merge;
  const header: LogHeader = {
    storeId,
    logId: newLogId(),
    ...interval,
    inputs: merge.replaces ?? merge.inputs.map((input) => input.header.logId),
  };
  const path = `${directory}/${temporaryName(logName(interval))}`;
  const file = disk.create(path);
  const index = new MergedIndex(merge, header);
  let finished = false;
  try {
    const output = new MergeOutput(
      file,
      encodeLogHeader(format, header),
      codecFor(format, header.logId),
      index,
    );
    const survivors = new Survivors(merge);
    for (let survivor = survivors.next(); survivor !== undefined; survivor = survivors.next()) {
      if (!output.add(survivor)) continue;
      merge.onWritten?.(output.end);
      yield;
    }
    const summary = output.finish();
    const isIndexed = yield* index.write(summary);
    finished = true;
    return { header, isIndexed, bytes: summary.logBytes };
  } finally {
    file.close();
    if (!finished) disk.unlink(path);
  }
}

/**
 * Puts a merged log in the place of its inputs; the log's renaming is the commit
 * point of a merge. The directory is still to be synced, before the inputs go.
 */
export function finishMerge(disk: Disk, directory: string, { header, isIndexed }: MergedLog): void {
  if (isIndexed) unlessBlocked(() => publishIndex({ disk, directory }, header));
  const path = `${directory}/${logName(header)}`;
  disk.rename(temporaryName(path), path);
}

function unlessBlocked(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isBlocked(error)) throw error;
  }
}

/** Removes what was not put in place. */
export function discardMerge(disk: Disk, directory: string, { header }: MergedLog): void {
  disk.unlink(`${directory}/${temporaryName(logName(header))}`);
  disk.unlink(`${directory}/${temporaryName(indexName(header))}`);
}

/** What a merge keeps of its inputs. */
class Survivors {
  readonly #newest: NewestRecords;
  readonly #isBottom: boolean;
  readonly #now: number;

  constructor({ inputs, interval, now }: Merge) {
    this.#newest = new NewestRecords(inputs);
    this.#isBottom = interval.first === 1;
    this.#now = now;
  }

  /** The next one, good until the next call; undefined at the end. */
  next(): Survivor | undefined {
    for (let record = this.#newest.next(); record !== undefined; record = this.#newest.next()) {
      if (isLive(record, this.#now)) return record;
      if (!this.#isBottom && !isForgotten(record))
        return { kind: "remove", key: record.key, value: "", expiresAt: 0 };
    }
    return undefined;
  }
}

/** Never, but for a seeded bug: above the bottom, what has no value hides an older one. */
function isForgotten({ kind }: StoredRecord): boolean {
  if (kind === "remove") return hasBug("drop removals above the bottom");
  return hasBug("drop expired records above the bottom");
}

/** A record as it was read, every checksum of it verified, or what stands for it from now on. */
type Survivor = StoredRecord | Mutation;

/** What a merge's output says of itself in the end. */
interface OutputSummary {
  readonly logBytes: number;
  readonly records: number;
  readonly recordBytes: number;
  /** CRC-32 of all its bytes, where its format has no checksums; else 0. */
  readonly digest: number;
}

/** The index of a merge's output, made while that is written. */
class MergedIndex {
  readonly #merge: Merge;
  readonly #header: LogHeader;
  readonly hashSeed: number;
  readonly #builder: IndexBuilder;
  readonly #tally: IndexTally;

  constructor(merge: Merge, header: LogHeader) {
    this.#merge = merge;
    this.#header = header;
    this.hashSeed = hashSeedOf(header.storeId);
    const most = merge.inputs.reduce((sum, input) => sum + (input.summary?.entries ?? 0), 0);
    this.#builder = new IndexBuilder(most);
    this.#tally = new IndexTally(merge.older, most);
  }

  add(survivor: Survivor, position: number, length: number, hash: number): void {
    this.#builder.add(position, length, hash);
    this.#tally.add(survivor, length, hash);
  }

  /** Whether it was written: it can be missing, and a merge goes on without. */
  *write({ digest, ...output }: OutputSummary): Generator<void, boolean> {
    const { logId } = this.#header;
    const content = digest === 0 ? NO_STAMP : { digest, ...this.#stamp() };
    const summary = this.#tally.summary({ logId, content, entries: this.#builder.entries, ...output });
    try {
      yield* writeIndex(this.#merge, this.#header, this.#builder, summary);
      return true;
    } catch (error) {
      if (isBlocked(error)) return false;
      throw error;
    }
  }

  /** Which file the output is: renaming it changes neither. */
  #stamp(): Omit<ContentStamp, "digest"> {
    const { disk, directory } = this.#merge;
    const file = disk.openToRead(`${directory}/${temporaryName(logName(this.#header))}`);
    try {
      return file?.stamp() ?? NO_STAMP;
    } finally {
      file?.close();
    }
  }
}

/** Encodes a merge's records into its file, many to a frame. */
class MergeOutput {
  readonly #file: AppendableFile;
  readonly #codec: LogCodec;
  /** Room for a chunk and the frame that ends it: what grows beyond what it starts with is given back each time. */
  readonly #pending = new ByteWriter(2 * CHUNK_BYTES);
  readonly #tally = new LogTally();
  readonly #index: MergedIndex;
  #recordBytes = 0;
  #digest = 0;
  /** Where in `#pending` the frame starts that is not ended yet; -1 where there is none. */
  #frameStart = -1;
  #written = 0;
  #synced = 0;
  /** How many bytes the output has so far, written or not, up to the end of the last frame. */
  end: number;

  constructor(file: AppendableFile, header: Buffer, codec: LogCodec, index: MergedIndex) {
    this.#index = index;
    this.#file = file;
    this.#codec = codec;
    this.#pending.append(header);
    this.end = header.length;
  }

  /** Takes one record; true when a frame was completed. */
  add(survivor: Survivor): boolean {
    const pending = this.#pending;
    const { openFrames, frameHeaderBytes } = this.#codec;
    if (this.#frameStart < 0) {
      this.#frameStart = pending.length;
      openFrames?.begin(pending);
    }
    const start = pending.length;
    const at = this.end + start - this.#frameStart;
    if (openFrames !== undefined) {
      this.#note(survivor, start, at, openFrames.add(pending, at, survivor));
      if (pending.length - this.#frameStart < FRAME_BYTES) return false;
    } else {
      // A JSON frame of several records is a batch, and says so on every line: one a line reads better.
      const checksum = this.#codec.encodeOne(pending, at, survivor);
      this.#note(survivor, start + frameHeaderBytes, at + frameHeaderBytes, checksum);
    }
    this.#endFrame();
    return true;
  }

  /** Seals the log and makes it durable. */
  finish(): OutputSummary {
    if (this.#frameStart >= 0) this.#endFrame();
    const { records, digest } = this.#tally;
    this.#codec.encodeSeal(this.#pending, this.end, { records, digest, length: this.end });
    this.#write();
    if (!hasBug("publish a merge that is not on the disk")) this.#file.sync();
    return { logBytes: this.#written, records, recordBytes: this.#recordBytes, digest: this.#digest };
  }

  /** Counts the record that was just put at the end of `#pending`, from `start` on; `position` is its place in the log. */
  #note(survivor: Survivor, start: number, position: number, checksum: number): void {
    const length = this.#pending.length - start;
    this.#tally.add(checksum);
    this.#recordBytes += length;
    this.#index.add(survivor, position, length, this.#hashOf(survivor, start));
  }

  #endFrame(): void {
    const pending = this.#pending;
    this.#codec.openFrames?.end(pending, this.#frameStart, this.end);
    this.end += pending.length - this.#frameStart;
    this.#frameStart = -1;
    if (pending.length >= CHUNK_BYTES) this.#writeChunk();
  }

  /** The hash of a record's key: by its bytes, where they stand in what was just encoded as they are. */
  #hashOf(survivor: Survivor, start: number): number {
    const seed = this.#index.hashSeed;
    const { rawKeys } = this.#codec;
    if (rawKeys === undefined) return hashKey(survivor.key, seed);
    const bytes = this.#pending.whole();
    const keyStart = rawKeys.startOf(bytes, start);
    return hashKeyBytes(bytes, keyStart, keyStart + rawKeys.lengthOf(bytes, start), seed);
  }

  #write(): void {
    const bytes = this.#pending.view();
    if (!this.#codec.hasChecksums) this.#digest = crc32(bytes, 0, bytes.length, this.#digest);
    this.#file.append(bytes, this.#written);
    this.#written += bytes.length;
    this.#pending.clear();
  }

  #writeChunk(): void {
    const start = this.#written;
    this.#write();
    if (this.#written - this.#synced < SYNC_INTERVAL_BYTES) {
      this.#file.beginWriteBack(start, this.#written - start);
      return;
    }
    this.#file.sync();
    this.#synced = this.#written;
  }
}
