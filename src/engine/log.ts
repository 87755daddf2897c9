import type { FileStamp, ReadableFile, ReadingDisk } from "../disk/disk.ts";
import { indexName, logName } from "../disk/file-names.ts";
import { type ByteWriter, crc32 } from "../format/bytes.ts";
import type { LogCodec } from "../format/codec.ts";
import { KvsError } from "../format/errors.ts";
import { isForeign } from "../format/foreign-store.ts";
import { hashKey, hashSeedOf } from "../format/hash.ts";
import type { Interval, LogHeader } from "../format/header.ts";
import type { IndexSummary } from "../format/index-file.ts";
import type { EncodedKey } from "../format/key.ts";
import type { LogTally, Mutation, StoredRecord } from "../format/record.ts";
import { closeQuietly } from "./close-quietly.ts";
import { hasSameStamp } from "./content-stamp.ts";
import { endsWithSeal } from "./ends-with-seal.ts";
import { noteGarbage } from "./garbage.ts";
import { LogBytes } from "./log-bytes.ts";
import { type Fault, LogFrames, type RecordSink, type TrustedTail } from "./log-frames.ts";
import { readLogHeader } from "./log-head.ts";
import type { KeyOrder } from "./log-index.ts";
import { LogKeys } from "./log-keys.ts";
import { type IndexLocation, LogLookups } from "./log-lookups.ts";
import type { LogOptions } from "./log-options.ts";
import { LookAhead } from "./look-ahead.ts";
import { RecordReader } from "./record-reader.ts";
import type { MemoryIndex } from "./memory-index.ts";

/**
 * One open log: a generation's records, and where to find them by their keys. Its
 * bytes, its frames and its lookups each have an object of their own behind it.
 */
export class Log implements Interval {
  readonly first: number;
  readonly last: number;
  readonly name: string;
  readonly path: string;
  readonly header: LogHeader;
  readonly codec: LogCodec;
  /** Where the first frame starts. */
  readonly headerBytes: number;
  /** What the hashes of its keys start from. */
  readonly hashSeed: number;
  readonly #options: LogOptions;
  readonly #bytes: LogBytes;
  readonly #frames: LogFrames;
  readonly #records: RecordReader;
  readonly #keys: LogKeys;
  readonly #lookups: LogLookups;
  #users = 1;

  /** Opens a log and checks its head; undefined when there is no such file. */
  static open(
    disk: ReadingDisk,
    directory: string,
    interval: Interval,
    options: LogOptions,
  ): Log | undefined {
    const file = disk.openToRead(`${directory}/${logName(interval)}`);
    if (file === undefined) return undefined;
    try {
      return new Log(file, interval, options, { disk, path: `${directory}/${indexName(interval)}` });
    } catch (error) {
      file.close();
      throw error;
    }
  }

  private constructor(file: ReadableFile, interval: Interval, options: LogOptions, index: IndexLocation) {
    this.#options = options;
    this.path = file.path;
    this.first = interval.first;
    this.last = interval.last;
    this.name = logName(interval);
    const { header, headerBytes, codec } = readLogHeader(file, interval);
    this.header = header;
    this.headerBytes = headerBytes;
    this.codec = codec;
    this.hashSeed = hashSeedOf(header.storeId);
    this.#bytes = new LogBytes(file, headerBytes, options);
    this.#frames = new LogFrames(this.#bytes, codec, headerBytes, this.#sink());
    this.#records = new RecordReader(this.#bytes, codec);
    this.#keys = new LogKeys(this.#bytes, codec, this.hashSeed, {
      keyOnDisk: (at, length) => this.recordAt(at, length).key,
      verifiedMap: () => this.#verifiedMap(),
    });
    const parts = { bytes: this.#bytes, frames: this.#frames, records: this.#records, keys: this.#keys };
    this.#lookups = new LogLookups(this, parts, index, options);
  }

  /** End of the last whole frame that is known, written or not; the seal is not counted. */
  get end(): number {
    return this.#frames.end;
  }

  /** End of what is known to be in the file: what follows it is buffered. */
  get writtenEnd(): number {
    return this.#frames.written.end;
  }

  /** CRC-32 of the bytes between the header and `writtenEnd`. */
  get contentDigest(): number {
    return this.#frames.written.contentDigest;
  }

  /** True once a seal was read and agreed with the records before it, or was appended. */
  get sealed(): boolean {
    return this.#frames.sealed;
  }

  /** What stands behind `end` and is no frame. */
  get fault(): Fault | undefined {
    return this.#frames.fault;
  }

  /** Bytes of the records that were read or added, their frames not counted. */
  get recordBytes(): number {
    return this.#frames.recordBytes;
  }

  get tally(): Readonly<Pick<LogTally, "records" | "digest">> {
    return this.#frames.tally;
  }

  /** True for a log of the original kvs: it has no header, no seal and no index, and nothing is written to it. */
  get isForeign(): boolean {
    return isForeign(this.header);
  }

  /** The buffer that frames are encoded into; what is in it and not written yet starts at `writtenEnd`. */
  get tail(): ByteWriter {
    return this.#bytes.tail;
  }

  /** The frames in memory that were not written yet. */
  unwritten(): Buffer {
    return this.#bytes.tailView(this.writtenEnd);
  }

  /** What the index file says, if there is one that can be used. */
  get summary(): IndexSummary | undefined {
    return this.#lookups.summary;
  }

  /** Reads at least so much at once: for those who read records one after the other. */
  set readAhead(bytes: number) {
    this.#bytes.readAhead = bytes;
  }

  /** For those who read its records in any order: has a sealed log mapped once all of it was read; whether it can be. */
  mapOnceRead(): boolean {
    return this.#bytes.mapOnceRead();
  }

  /** For those who pass through more than they want to have in memory. */
  readFarAhead(bytes: number): void {
    this.#bytes.readFarAhead(bytes);
  }

  /** The same for a log that cannot be mapped: reads it into memory. */
  preload(): void {
    this.#bytes.locate(this.headerBytes, this.size() - this.headerBytes);
  }

  /** Reads the frames that were not read yet; what is as `trusted` says it is needs no further look. */
  catchUp(trusted?: TrustedTail): void {
    // Nothing is written to a sealed log any more, and what is wrong with it stays so.
    if (!this.sealed) this.#frames.catchUp(this.#options.tailBytes, trusted);
  }

  /** Sees to it that a log that has a successor is whole and has an index; anything else is damage. */
  loadSealed(): void {
    this.#lookups.load();
  }

  /** Looks whether an index that was missed was made meanwhile, and gives the memory back that stood in for it. */
  adoptIndex(): void {
    this.#lookups.adoptIndex();
  }

  /** The same where another index has taken the place of the one that is open. */
  renewIndex(): void {
    this.#lookups.renewIndex();
  }

  /** Whether there is an index file that counts at first sight, without a look through the log. */
  get hasCurrentIndex(): boolean {
    const content = this.summary?.content;
    return content !== undefined && (this.codec.hasChecksums || hasSameStamp(this, content));
  }

  /** The newest record of a key in this log, a removal too. */
  lookup(key: EncodedKey, hash: number): StoredRecord | undefined {
    return this.#lookups.find(key, hash);
  }

  /** The same of a log that has a successor. */
  lookupSealed(key: EncodedKey, hash: number): StoredRecord | undefined {
    return this.#lookups.findInSealed(key, hash);
  }

  /** Bytes of the record that seems to be that of a key with this hash, by the index alone; 0 if there is none. */
  bytesAt(hash: number): number {
    return this.#lookups.bytesAt(hash);
  }

  /** All keys in their order, as of now; of a sealed log only after `loadSealed`. */
  order(): KeyOrder {
    return this.#lookups.order();
  }

  /** Reads a log that has a successor to its end and keeps nothing; anything but a whole one is damage. */
  verifySealed(): void {
    this.#lookups.verifySealed();
  }

  /** The index in memory of a sealed log, made by reading it whole; up to `keepBytes` of its bytes stay in memory. */
  loadMemory(keepBytes: number): MemoryIndex {
    return this.#lookups.loadMemory(keepBytes);
  }

  /** Gives back what memory its bytes take. */
  forgetBytes(): void {
    this.#bytes.trimTail(this.end, 0);
  }

  /** Reads one record; what fails a check is damage. `length` may be 0, where it is not known. */
  recordAt(position: number, length: number): StoredRecord {
    const record = this.#records.read(position, length);
    if (record === undefined) throw this.damage({ offset: position, reason: "a record fails its checksum" });
    return record;
  }

  /** For those who know which records they will read next. */
  lookAhead(): LookAhead {
    return new LookAhead(this.#bytes, this.codec, (at, length) => this.recordAt(at, length));
  }

  /** What a record does to its key. */
  glanceAt(position: number, length: number): Pick<StoredRecord, "kind" | "expiresAt"> {
    return this.#records.glance(position, length) ?? this.recordAt(position, length);
  }

  /** The key of a record of this log. */
  keyAt(position: number, length: number): EncodedKey {
    return this.#keys.keyAt(position, length);
  }

  /** True when the file's last bytes are a seal for a log of this length: a cheap check that it is whole. */
  endsWithSeal(): boolean {
    return endsWithSeal(this.#bytes, this.codec, this.headerBytes);
  }

  /** Whether a foreign log holds any command at all. */
  startsWithCommand(): boolean {
    return this.isForeign && this.#records.claimedLength(0) > 0;
  }

  /** Puts a frame at the end of `tail`, all or nothing; its size in bytes. */
  encode(mutations: readonly Mutation[]): number {
    const { tail } = this;
    const before = tail.length;
    const { isHashed } = this.#lookups.memory;
    try {
      const [only] = mutations;
      if (only !== undefined && mutations.length === 1) {
        const checksum = this.codec.encodeOne(tail, this.end, only);
        this.#frames.addOne(tail.length - before, checksum);
      } else {
        const records = this.codec.encodeFrame(tail, this.end, mutations);
        this.#frames.add(records, tail.length - before);
      }
    } catch (error) {
      tail.length = before;
      throw error;
    }
    // A key that is written is at hand: to read it again for the first lookup would take ten times as long.
    if (isHashed) for (const { key } of mutations) this.#lookups.memory.noteHash(hashKey(key, this.hashSeed));
    noteGarbage(tail.length - before);
    return tail.length - before;
  }

  /** Notes that everything in `tail` is in the file by now. */
  markWritten(): void {
    this.#frames.markWritten(this.#options.tailBytes);
  }

  /** Notes that the log has ended with a seal: what it holds is found in the file from now on. */
  markSealed(): void {
    this.#frames.markSealed();
    this.#lookups.memory.trim();
    this.#bytes.isComplete = true;
    this.forgetBytes();
  }

  /** Forgets what was not written, and what may have gone wrong since; `catchUp` reads on from there. */
  rewind(): void {
    this.#frames.rewind();
  }

  /** The error for damage in this log. */
  damage({ reason, offset: from, at: offset = from }: Fault): KvsError {
    const { path: file } = this;
    return new KvsError("CORRUPT", `Cannot read "${file}": ${reason} at offset ${offset}`, { file, offset });
  }

  /** The file's size, unwritten bytes not counted. */
  size(): number {
    return this.#bytes.size();
  }

  stamp(): FileStamp {
    return this.#bytes.stamp();
  }

  read(position: number, length: number): Buffer {
    return this.#bytes.read(position, length);
  }

  /** Keeps the file open until `release` was called as often as this, and once more. */
  retain(): void {
    this.#users += 1;
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#lookups.close();
    closeQuietly(() => this.#bytes.close());
  }

  /** Like `release`, for a log that was replaced and may be removed: letting go of it can take long. */
  releaseInBackground(): void {
    if (--this.#users > 0) return;
    this.#lookups.closeInBackground();
    closeQuietly(() => this.#bytes.closeInBackground());
  }

  /** The map of a sealed log, if all its bytes are those that were written, or read, when it was indexed. */
  #verifiedMap(): Buffer | undefined {
    const map = this.sealed ? this.#bytes.mapped() : undefined;
    if (map === undefined) return undefined;
    const { end, contentDigest } = this.#frames.written;
    return crc32(map, this.headerBytes, end, 0) === contentDigest ? map : undefined;
  }

  #sink(): RecordSink {
    return {
      note: (position, length) => this.#lookups.memory.add(position, length),
      restart: () => this.#lookups.restart(),
      cut: (position) => this.#lookups.memory.cut(position),
      damage: (fault) => this.damage(fault),
    };
  }
}
