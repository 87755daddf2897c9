import type { Disk } from "../disk/disk.ts";
import { KvsError } from "../format/errors.ts";
import type { EncodedKey } from "../format/key.ts";
import type { Mutation, StoredRecord } from "../format/record.ts";
import type { CompactionContext, CompactionResult } from "./compaction.ts";
import { CachedReads } from "./cached-reads.ts";
import { Generations } from "./generations.ts";
import { HintReader } from "./hint-reader.ts";
import type { CompactOptions, Durability, ResolvedOptions } from "./options.ts";
import type { Newest } from "./runs.ts";
import { callOff, untilIdle } from "./background.ts";
import { TAIL_BYTES } from "./log-options.ts";
import { isCompacting } from "./compaction-lock.ts";
import { HandleMaintenance, type MaintenancePlace } from "./handle-maintenance.ts";
import { compactAll, lacksIndexes, planNow } from "./maintenance.ts";
import { mapIfFew } from "./mapped-bytes.ts";
import { LiveRecords, Scan, type ScanRequest } from "./scan.ts";
import { type Snapshot, snapshotOf } from "./snapshot.ts";
import { computeStats, type StoreStats } from "./stats.ts";
import { bytesOf, textOf } from "./value.ts";
import { WriteLock } from "./write-lock.ts";
import { Writer } from "./writer.ts";
import type { WriterContext } from "./writer-context.ts";

/** How often it is looked whether an index is there by now. */
const INDEXING_PAUSE_MS = 10;

/** What a handle that writes much keeps of the newest log. */
const BULK_TAIL_BYTES: number = 1024 * 1024;

/** Where a handle lives. */
export interface Surroundings extends MaintenancePlace {
  readonly disk: Disk;
}

/**
 * The inside of an open store: brings the parts together, and sees to it that
 * every read is up to date and every write is made under the lock.
 */
export class StoreHandle {
  readonly directory: string;
  readonly disk: Disk;
  readonly #options: ResolvedOptions;
  readonly #hints: HintReader;
  readonly #generations: Generations;
  /** Made by the first write: most handles of short processes only read. */
  #writing: { readonly lock: WriteLock; readonly writer: Writer } | undefined;
  readonly #cache: CachedReads | undefined;
  #closed = false;
  /** A compaction that was asked for; closing the handle gives it up. */
  #compaction: Generator<void> | undefined;
  readonly #maintenance: HandleMaintenance;

  constructor(surroundings: Surroundings, directory: string, options: ResolvedOptions) {
    const { disk, startIndexing } = surroundings;
    this.disk = disk;
    this.directory = disk.absolute(directory);
    this.#options = options;
    this.#cache = options.cacheBytes > 0 ? new CachedReads(options.cacheBytes) : undefined;
    this.#hints = new HintReader(disk, this.directory, { map: options.mmap });
    this.#generations = new Generations(disk, this.directory, this.#hints, {
      map: options.mmap,
      tailBytes: startIndexing !== undefined ? BULK_TAIL_BYTES : TAIL_BYTES,
      removeDamaged: options.readOnly ? undefined : (path) => disk.unlink(path),
    });
    this.#maintenance = new HandleMaintenance(this, options, surroundings);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** After `close`: whether there is work left for a compaction. */
  get maintenanceIsDue(): boolean {
    return this.#maintenance.isDue;
  }

  /** Opens the store's files, creating the store unless the handle is to read only. */
  open(): void {
    try {
      this.#openFiles();
    } catch (error) {
      this.#closeFiles();
      throw error;
    }
  }

  close(durability: Durability): void {
    if (this.#closed) return;
    this.#writing?.writer.refuseWhilePinned("close");
    // Whatever fails, the files are closed; the first failure is the one that explains the others.
    const failures: unknown[] = [];
    attempt(() => void this.#compaction?.return(undefined), failures);
    attempt(() => this.#maintenance.settle(this.#writing?.writer), failures);
    this.#closed = true;
    attempt(() => this.#writing?.writer.close(durability), failures);
    attempt(() => this.#closeFiles(), failures);
    if (failures.length > 0) throw failures[0];
  }

  /** The newest record of a key, if it has a value by `now`; to be used before anything else is asked of the store. */
  read(key: EncodedKey, now?: number): StoredRecord | undefined {
    return this.#view().findLive(key, now);
  }

  /** The value as text; `NOT_UTF8` if it is none. */
  readText(key: EncodedKey): string | undefined {
    const cache = this.#cache;
    if (cache === undefined) return textIfAny(this.read(key));
    const view = this.#view();
    cache.see(view.version);
    const now = Date.now();
    return cache.text(key, now, () => view.findLive(key, now));
  }

  /** The value's bytes, in an array of the caller's own. */
  readBytes(key: EncodedKey): Uint8Array | undefined {
    const cache = this.#cache;
    if (cache === undefined) return bytesIfAny(this.read(key));
    const view = this.#view();
    cache.see(view.version);
    const now = Date.now();
    return cache.bytes(key, now, () => view.findLive(key, now));
  }

  /** Takes the write lock for the rest of the tick: until then nobody else writes. */
  begin(): void {
    this.#checkOpen();
    if (this.#options.readOnly) {
      throw new KvsError(
        "READ_ONLY",
        `Cannot write to store "${this.directory}": it was opened to read only`,
      );
    }
    this.#writer().begin();
  }

  /** Writes one frame, all or nothing. `urgent` hands it to the operating system before this returns. */
  write(mutations: readonly Mutation[], options: { readonly urgent: boolean }): void {
    const writer = this.#writer();
    this.#cache?.forget(mutations);
    writer.write(mutations, options);
    this.#maintenance.noteWrite(writer);
  }

  /** Returns an answer that wrote nothing, once what it rests on is as durable as a write would be. */
  answer<T>(answer: T): T {
    this.#writer().settleAnswer();
    return answer;
  }

  /** Runs a caller's code with the lock kept. */
  runPinned<T>(work: () => T): T {
    return this.#writer().runPinned(work);
  }

  /** Visits the live keys of a range, as of the first step; only then it is asked which. */
  scan<T>(request: () => ScanRequest, decode: (newest: Newest) => T): Scan<T> {
    const begin = (): LiveRecords => {
      const asked = request();
      // What is buffered could still fail to be written: a snapshot holds no such thing.
      this.#writing?.writer.flush();
      return new LiveRecords(this.#view(), asked);
    };
    return new Scan(begin, decode);
  }

  /** For those who pass through all of the store once: it must not all be in memory then. */
  mapIfFew(mostBytes?: number): void {
    mapIfFew(this.#view().logs, mostBytes);
  }

  async sync(): Promise<void> {
    this.#checkOpen();
    await this.#writing?.writer.sync();
  }

  flushSync(durability: Durability): void {
    this.#checkOpen();
    this.#writing?.writer.settle(durability);
  }

  async compact({ format, onProgress }: CompactOptions): Promise<CompactionResult> {
    this.begin();
    this.#writer().release();
    await callOff(this.directory);
    this.#checkOpen();
    const onStart = (steps: Generator<void>): void => {
      this.#compaction = steps;
    };
    const { waitMs } = this.#options;
    try {
      return await compactAll({ ...this.internals(), waitMs, onProgress, onStart }, format);
    } finally {
      // What was called off is due again if there was no merge.
      if (!this.#closed) this.#maintenance.beginIfDue();
    }
  }

  stats(): StoreStats {
    this.#checkOpen();
    this.#writing?.writer.flush();
    const hint = this.#generations.catchUp();
    const plan = planNow({ generations: this.#generations }, this.#options);
    const due = plan === undefined ? null : { rule: plan.rule, generations: plan.to - plan.from };
    const stats = computeStats(this.directory, this.#generations, hint, Date.now());
    return { ...stats, rotationsPostponed: this.#hints.postponedRotations(), compactionDue: due };
  }

  /**
   * The logs that hold the store as it is now. Where this handle may write, the
   * newest one is sealed first: then none of them changes any more.
   */
  snapshot(): Snapshot {
    this.#checkOpen();
    if (!this.#options.readOnly) this.#sealIfPossible();
    const snapshot = snapshotOf(this.#view());
    if (snapshot !== undefined) return snapshot;
    throw new KvsError("NO_STORE", `Cannot back up "${this.directory}": there is no log in it`);
  }

  /** A store that cannot be written to, for want of rights or room, is copied as it is. */
  #sealIfPossible(): void {
    // The original kvs takes no lock: where nobody else has written yet, nothing is put beside its logs.
    if (this.#view().newest?.isForeign !== false) return;
    try {
      this.begin();
      const { newest, logs } = this.#generations;
      const isEmpty = newest !== undefined && newest.end === newest.headerBytes;
      if (!isEmpty || logs.length === 1) this.#writer().rotate();
      this.#writer().release();
    } catch (error) {
      if (!(error instanceof KvsError) || error.code !== "IO") throw error;
    }
  }

  /** Waits for the process that makes indexes, as long as it is at it. What it leaves is made when the handle is closed. */
  async indexed(): Promise<void> {
    const { directory } = this;
    await untilIdle(directory);
    while (lacksIndexes(this.context()) && isCompacting(this.disk, directory)) {
      // oxlint-disable-next-line no-await-in-loop -- waiting is the point
      await Bun.sleep(INDEXING_PAUSE_MS);
    }
  }

  /** The parts, for work that is done with several of them. */
  internals(): CompactionContext {
    return { ...this.context(), writer: this.#writer() };
  }

  /** Closes the files of a store that is thrown away. */
  abandon(): void {
    this.#maintenance.stop();
    this.#closed = true;
    const failures: unknown[] = [];
    attempt(() => this.#writing?.writer.close("os"), failures);
    attempt(() => this.#closeFiles(), failures);
  }

  #writer(): Writer {
    if (this.#writing === undefined) {
      const context = this.context();
      this.#writing = { lock: context.lock, writer: new Writer(context, this.#options) };
    }
    return this.#writing.writer;
  }

  /** The parts that a writer works with. */
  context(): WriterContext {
    const lock =
      this.#writing?.lock ??
      new WriteLock(this.disk, this.directory, this.#options.waitMs, (file) =>
        this.#generations.forgetLock(file),
      );
    const { bloomBitsPerKey, mmap } = this.#options;
    return {
      disk: this.disk,
      directory: this.directory,
      generations: this.#generations,
      lock,
      bloomBitsPerKey,
      mmap,
    };
  }

  #openFiles(): void {
    const { readOnly, create } = this.#options;
    this.#generations.reload();
    if (this.#generations.newest !== undefined) {
      if (!readOnly) this.#maintenance.beginIfDue();
      return;
    }
    const isThere = this.disk.list(this.directory) !== undefined;
    // To those who only read, an empty directory is an empty store.
    if (readOnly && isThere) return;
    if (readOnly || !create) {
      const reason = isThere ? "there is none in that directory" : "there is no such directory";
      throw new KvsError("NO_STORE", `Cannot open store "${this.directory}": ${reason}`);
    }
    if (!isThere) this.disk.makeDirectory(this.directory);
    this.#writer().begin();
    this.#writer().release();
  }

  #closeFiles(): void {
    try {
      this.#writing?.lock.close();
    } finally {
      this.#generations.close();
      this.#hints.close();
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new KvsError("CLOSED", `Cannot use store "${this.directory}": it was closed`);
    this.#writing?.writer.checkUsable();
  }

  /** The generations as of now; while this handle holds the lock nobody else changes them. */
  #view(): Generations {
    this.#checkOpen();
    if (this.#writing?.writer.lockHeld !== true) this.#generations.catchUp();
    return this.#generations;
  }
}

function textIfAny(record: StoredRecord | undefined): string | undefined {
  return record === undefined ? undefined : textOf(record);
}

function bytesIfAny(record: StoredRecord | undefined): Uint8Array | undefined {
  return record === undefined ? undefined : bytesOf(record);
}

function attempt(work: () => void, failures: unknown[]): void {
  try {
    work();
  } catch (error) {
    failures.push(error);
  }
}
