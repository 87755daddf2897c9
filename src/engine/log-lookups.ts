import type { ReadingDisk } from "../disk/disk.ts";
import { hashKey } from "../format/hash.ts";
import type { IndexSummary } from "../format/index-file.ts";
import type { EncodedKey } from "../format/key.ts";
import type { StoredRecord } from "../format/record.ts";
import { closeQuietly } from "./close-quietly.ts";
import { IndexReader, openIndexFile } from "./index-reader.ts";
import type { LogBytes } from "./log-bytes.ts";
import type { LogFrames } from "./log-frames.ts";
import { type KeyOrder, type LogIndex, withFallback } from "./log-index.ts";
import type { LogKeys } from "./log-keys.ts";
import type { LogOptions } from "./log-options.ts";
import type { Log } from "./log.ts";
import { MemoryIndex } from "./memory-index.ts";
import { UnusableIndex } from "./pages.ts";
import type { RecordReader } from "./record-reader.ts";

/** A log up to this size is indexed in memory at once where it has no index file; a longer one by the second lookup. */
const SMALL_LOG_BYTES = 1024 * 1024;

/** Lookups that walk along a trusted tail before it is worth indexing. */
const TRUSTED_WALKS = 4;

/** What a log is made of. */
export interface LogParts {
  readonly bytes: LogBytes;
  readonly frames: LogFrames;
  readonly records: RecordReader;
  readonly keys: LogKeys;
}

/** The index file of a log, whether there is one or not. */
export interface IndexLocation {
  readonly disk: ReadingDisk;
  readonly path: string;
}

/**
 * Finds the records of one log by their keys. The index of a log that is written to
 * is in memory; that of a sealed one is its index file, or made by reading the log
 * where there is none that can be used. A few keys are found without any.
 */
export class LogLookups {
  readonly #log: Log;
  readonly #parts: LogParts;
  readonly #index: IndexLocation;
  readonly #options: LogOptions;
  #memory: MemoryIndex;
  #reader: IndexReader | undefined;
  #readerTried = false;
  #wasScanned = false;
  #walks = 0;

  constructor(log: Log, parts: LogParts, index: IndexLocation, options: LogOptions) {
    this.#log = log;
    this.#parts = parts;
    this.#index = index;
    this.#options = options;
    this.#memory = new MemoryIndex(parts.keys);
  }

  /** The index in memory, of the records that were read or written so far. */
  get memory(): MemoryIndex {
    return this.#memory;
  }

  /** What the index file says, if there is one that can be used. */
  get summary(): IndexSummary | undefined {
    return this.#indexFile()?.summary;
  }

  /** Begins the index in memory anew: everything will be told once more. */
  restart(): void {
    this.#memory = new MemoryIndex(this.#parts.keys);
  }

  /** Sees to it that a log that has a successor is whole and has an index; anything else is damage. */
  load(): void {
    if (this.#indexFile() === undefined) this.#loadMemory();
  }

  /** The index in memory of a sealed log, made by reading it whole; up to `keepBytes` of its bytes stay in memory. */
  loadMemory(keepBytes: number): MemoryIndex {
    const { bytes, frames } = this.#parts;
    // Where it grew before this handle's eyes, its bytes were let go: one more look at all of it takes less than one at each key.
    const isAtHand = this.#options.map || bytes.isInTail(this.#log.headerBytes);
    if (!isAtHand && bytes.size() <= keepBytes) frames.restart();
    this.#loadMemory(keepBytes);
    return this.#memory;
  }

  /** Looks whether an index that was missed was made meanwhile, and gives the memory back that stood in for it. */
  adoptIndex(): void {
    if (this.#reader !== undefined || (!this.#readerTried && this.#memory.records === 0)) return;
    this.#readerTried = false;
    if (this.#indexFile() === undefined) return;
    this.#log.forgetBytes();
    this.#parts.frames.restart();
  }

  /** The same where another index has taken the place of the one that is open. */
  renewIndex(): void {
    closeQuietly(() => this.#reader?.close());
    this.#reader = undefined;
    this.adoptIndex();
  }

  /** The newest record of a key in this log, a removal too. */
  find(key: EncodedKey, hash: number): StoredRecord | undefined {
    const reader = this.#reader;
    if (reader === undefined) {
      const { isForeign, hashSeed } = this.#log;
      return this.#findInMemory(key, isForeign ? hashKey(key, hashSeed) : hash);
    }
    try {
      return this.#findIn(reader, key, hash);
    } catch (error) {
      this.#abandon(reader, error);
      return this.#findInMemory(key, hash);
    }
  }

  /** The same of a log that has a successor: by its index file, or however it can be done without. */
  findInSealed(key: EncodedKey, hash: number): StoredRecord | undefined {
    if (this.#indexFile() === undefined) {
      const { bytes, frames } = this.#parts;
      if (!frames.sealed && !this.#wasScanned && bytes.size() > SMALL_LOG_BYTES) return this.#scanFor(key);
      this.#loadMemory();
    }
    return this.find(key, hash);
  }

  /** Bytes of the record that seems to be that of a key with this hash, by the index alone; 0 if there is none. */
  bytesAt(hash: number): number {
    const reader = this.#indexFile();
    if (reader === undefined) return 0;
    try {
      const slot = reader.probe(hash, -1);
      if (slot < 0) return 0;
      return reader.lengthOf(slot) || this.#parts.records.claimedLength(reader.positionOf(slot));
    } catch (error) {
      this.#abandon(reader, error);
      return 0;
    }
  }

  /** All keys in their order, as of now; of a sealed log only after `load`. */
  order(): KeyOrder {
    this.#parts.frames.parseTrusted();
    const reader = this.#reader;
    if (reader === undefined) return this.#memory.order();
    // Where the file turns out to be damaged, memory or a new file goes on: all list the same entries.
    return withFallback(reader, (error) => {
      this.#abandon(reader, error);
      return this.order();
    });
  }

  /** Reads a log that has a successor to its end and keeps nothing; anything but a whole one is damage. */
  verifySealed(): void {
    this.#parts.frames.read(SMALL_LOG_BYTES, () => undefined);
    this.#endScan();
  }

  close(): void {
    closeQuietly(() => this.#reader?.close());
  }

  closeInBackground(): void {
    closeQuietly(() => this.#reader?.closeInBackground());
  }

  #findInMemory(key: EncodedKey, hash: number): StoredRecord | undefined {
    const { frames } = this.#parts;
    if (this.#walks === TRUSTED_WALKS) frames.parseTrusted();
    const record = this.#findIn(this.#memory, key, hash);
    return record === undefined && frames.isTrusted ? this.#walkTrusted(key) : record;
  }

  #findIn(index: LogIndex, key: EncodedKey, hash: number): StoredRecord | undefined {
    for (let handle = index.probe(hash, -1); handle >= 0; handle = index.probe(hash, handle)) {
      const position = index.positionOf(handle);
      const length = index.lengthOf(handle);
      if (this.#parts.records.isOther(position, length, key)) continue;
      const record = this.#log.recordAt(position, length);
      if (record.hasKey(key)) return record;
    }
    return undefined;
  }

  /** Looks a key up in frames that were neither counted nor indexed yet. */
  #walkTrusted(key: EncodedKey): StoredRecord | undefined {
    const { bytes, frames } = this.#parts;
    const { codec, headerBytes } = this.#log;
    this.#walks += 1;
    const start = bytes.tailOffset(headerBytes);
    const span = codec.findNewest?.(bytes.tail.whole(), start, bytes.tailOffset(frames.end), key);
    if (span === "damaged") frames.parseTrusted();
    if (span === undefined || span === "damaged") return undefined;
    return this.#log.recordAt(headerBytes + span.start - start, span.end - span.start);
  }

  #indexFile(): IndexReader | undefined {
    if (this.#readerTried) return this.#reader;
    this.#readerTried = true;
    const file = openIndexFile(this.#index.disk, this.#index.path);
    this.#reader = file === undefined ? undefined : IndexReader.open(file, this.#log, this.#options);
    if (this.#reader !== undefined) this.#parts.bytes.isComplete = true;
    return this.#reader;
  }

  /** A damaged index is as good as none: the log has everything. Any other error is thrown again. */
  #abandon(reader: IndexReader, error: unknown): void {
    if (!(error instanceof UnusableIndex)) throw error;
    if (this.#reader === reader) {
      closeQuietly(() => reader.close());
      closeQuietly(() => this.#options.removeDamaged?.(this.#index.path));
      this.#reader = undefined;
      // What was in memory was given back when the index was adopted.
      this.#parts.frames.restart();
    }
    if (this.#reader === undefined) this.#loadMemory();
  }

  #loadMemory(keepBytes = SMALL_LOG_BYTES): void {
    const { bytes, frames } = this.#parts;
    if (!frames.sealed) frames.catchUp(keepBytes);
    this.#checkWhole();
    bytes.isComplete = true;
  }

  /** Reads the whole log for one key, and keeps nothing. */
  #scanFor(key: EncodedKey): StoredRecord | undefined {
    const { bytes, frames } = this.#parts;
    this.#wasScanned = true;
    let found = -1;
    let foundLength = 0;
    frames.read(SMALL_LOG_BYTES, (position, length) => {
      const start = bytes.tailOffset(position);
      if (!this.#log.codec.hasKey(bytes.tail.whole(), start, start + length, key)) return;
      found = position;
      foundLength = length;
    });
    this.#endScan();
    return found < 0 ? undefined : this.#log.recordAt(found, foundLength);
  }

  /** Goes back to where a scan began; damage that it met is thrown. */
  #endScan(): void {
    try {
      this.#checkWhole();
    } finally {
      this.#parts.frames.rewind();
    }
  }

  #checkWhole(): void {
    const fault = this.#parts.frames.whyIncomplete();
    if (fault !== undefined) throw this.#log.damage(fault);
  }
}
