import type { BackupResult } from "../engine/backup.ts";
import type { CompactionResult } from "../engine/compaction.ts";
import type {
  CompactOptions,
  DeleteOptions,
  Key,
  OpenOptions,
  RangeOptions,
  ScanOptions,
  SetOptions,
  ToolOptions,
  Value,
} from "../engine/options.ts";
import type { StoreStats } from "../engine/stats.ts";
import { liveMutations, writeBatch, writeRecord } from "../engine/bulk.ts";
import type { StoreHandle } from "../engine/handle.ts";
import { nodeFs } from "../disk/node-fs.ts";
import { KvStore } from "../engine/store.ts";
import { KvsError } from "../format/errors.ts";
import type { Mutation } from "../format/record.ts";
import type { Access, ConnectOptions, Entry, StagedRecords, StoreClient } from "./client.ts";
import { startCompaction, startIndexing } from "./detached-compaction.ts";
import { systemCode } from "./system-error.ts";

const BYTES = { encoding: "bytes" } as const;

/** A store in a directory of this machine. */
export class LocalClient implements StoreClient {
  readonly #store: KvStore;
  /** The store's inside, for what passes many records. */
  readonly #handle: StoreHandle;
  readonly #options: ConnectOptions;

  private constructor(store: KvStore, options: ConnectOptions) {
    this.#store = store;
    this.#handle = store.withHandle((handle) => handle);
    this.#options = options;
  }

  /** Opens a directory; undefined when it does not exist and `access` does not create it. */
  static open(directory: string, access: Access, options: ConnectOptions): LocalClient | undefined {
    if (access === "change" && isMissing(directory)) return undefined;
    try {
      const store = KvStore.openForProcess(directory, engineOptions(access, options), {
        isBrief: options.brief,
        startIndexing: options.isBulk ? (path) => startIndexing(path, options) : undefined,
      });
      return new LocalClient(store, options);
    } catch (error) {
      if (error instanceof KvsError && error.code === "NO_STORE") return undefined;
      throw error;
    }
  }

  get(key: Key): Uint8Array | undefined {
    return this.#store.getBytes(key);
  }

  has(key: Key): boolean {
    return this.#store.has(key);
  }

  set(key: Key, value: Value, options?: SetOptions): boolean {
    return this.#store.set(key, value, options);
  }

  delete(key: Key, options?: DeleteOptions): boolean {
    return this.#store.delete(key, options);
  }

  take(key: Key): Uint8Array | undefined {
    return this.#store.takeBytes(key);
  }

  increment(key: Key, by: number): number {
    return this.#store.increment(key, by);
  }

  append(key: Key, value: Value): void {
    this.#store.append(key, value);
  }

  ttl(key: Key): number | null | undefined {
    return this.#store.ttl(key);
  }

  expire(key: Key, ttlMs: number): boolean {
    return this.#store.expire(key, ttlMs);
  }

  persist(key: Key): boolean {
    return this.#store.persist(key);
  }

  deletePrefix(prefix: Key): number {
    return this.#store.deletePrefix(prefix);
  }

  keys(options: ScanOptions): Iterable<Uint8Array> {
    return this.#store.keys({ ...options, ...BYTES });
  }

  entries(options: ScanOptions): Iterable<Entry> {
    return this.#store.entries({ ...options, ...BYTES });
  }

  mutations(): Iterable<Mutation> {
    return liveMutations(this.#handle);
  }

  batch(mutations: readonly Mutation[]): void {
    writeBatch(this.#handle, mutations);
  }

  write(mutation: Mutation): void {
    writeRecord(this.#handle, mutation);
  }

  indexed(): Promise<void> {
    return this.#handle.indexed();
  }

  async stage(): Promise<StagedRecords> {
    const { StagedImport } = await import("./slow-path.ts");
    return StagedImport.begin(this.#handle, {
      ...this.#options.tuning,
      startIndexing: (path) => startIndexing(path, this.#options),
    });
  }

  count(options: RangeOptions): number {
    return this.#store.count(options);
  }

  compact(options: CompactOptions): Promise<CompactionResult> {
    return this.#store.compact(options);
  }

  maintain(): void {
    const { waitMs, autoCompact, tuning } = this.#options;
    KvStore.maintain(this.#store.directory, { waitMs, autoCompact, ...tuning });
  }

  backup(directory: string, options: ToolOptions): Promise<BackupResult> {
    return this.#store.backup(directory, options);
  }

  archive(options: Pick<ToolOptions, "onProgress">): Iterable<Uint8Array> {
    return this.#store.archive(options);
  }

  stats(): StoreStats {
    return this.#store.stats();
  }

  settle(): void {
    this.#store.flushSync({ durability: this.#options.closingDurability });
  }

  close(): void {
    this.#store.close({ durability: this.#options.closingDurability });
  }

  afterAnswer(): void {
    if (this.#store.isMaintenanceDue) startCompaction(this.#store.directory, this.#options);
  }
}

function engineOptions(access: Access, options: ConnectOptions): OpenOptions {
  const { waitMs, durability, format, autoCompact, tuning, brief } = options;
  // Mapping a file takes longer than the few pages that one lookup reads.
  const reading = { mmap: !brief, ...tuning };
  return access === "read"
    ? { ...reading, readOnly: true }
    : { ...reading, waitMs, durability, format, autoCompact };
}

/** Whether there is no such directory; any other trouble with it is for the engine to report. */
function isMissing(directory: string): boolean {
  try {
    nodeFs().accessSync(directory);
    return false;
  } catch (error) {
    return systemCode(error) === "ENOENT";
  }
}
