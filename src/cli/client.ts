import type { BackupResult } from "../engine/backup.ts";
import type { CompactionResult } from "../engine/compaction.ts";
import type {
  CompactOptions,
  DeleteOptions,
  Durability,
  Key,
  LogFormat,
  RangeOptions,
  ScanOptions,
  SetOptions,
  ToolOptions,
  Value,
} from "../engine/options.ts";
import type { StoreStats } from "../engine/stats.ts";
import type { Mutation } from "../format/record.ts";
import type { Tuning } from "./tuning.ts";

export type Awaitable<T> = T | Promise<T>;

/** What a command wants of a store: only `create` makes one where there is none. */
export type Access = "read" | "change" | "create";

export interface ConnectOptions {
  readonly waitMs: number;
  readonly durability: Durability;
  /** What is reached when the session settles or ends, if that is more. */
  readonly closingDurability: Durability;
  /** Format of a store that is created. */
  readonly format: LogFormat;
  readonly autoCompact: boolean;
  readonly tuning: Tuning;
  /** The session is for one operation: nothing is prepared for more of them. */
  readonly brief: boolean;
  /** It writes many records: little of them is kept in memory, and other processes make their indexes. */
  readonly isBulk: boolean;
}

/**
 * A store as the commands see it. Anything that can answer these calls can
 * stand behind the command line, also from afar: all of them may be promises.
 */
export interface StoreClient {
  get(key: Key): Awaitable<Uint8Array | undefined>;
  has(key: Key): Awaitable<boolean>;
  /** False when the condition in `options` is not met. */
  set(key: Key, value: Value, options?: SetOptions): Awaitable<boolean>;
  /** False when there was no such key, or the condition in `options` is not met. */
  delete(key: Key, options?: DeleteOptions): Awaitable<boolean>;
  /** Removes a key and returns its value, in one step. */
  take(key: Key): Awaitable<Uint8Array | undefined>;
  increment(key: Key, by: number): Awaitable<number>;
  append(key: Key, value: Value): Awaitable<void>;
  /** Milliseconds left; null: never expires; undefined: no such key. */
  ttl(key: Key): Awaitable<number | null | undefined>;
  expire(key: Key, ttlMs: number): Awaitable<boolean>;
  persist(key: Key): Awaitable<boolean>;
  deletePrefix(prefix: Key): Awaitable<number>;
  keys(options: ScanOptions): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  entries(options: ScanOptions): Iterable<Entry> | AsyncIterable<Entry>;
  /** Records as they would be written again, each good until the next is asked for. */
  mutations(): Iterable<Mutation> | AsyncIterable<Mutation>;
  /** Writes all records or none, in their order, as they are. */
  batch(mutations: readonly Mutation[]): Awaitable<void>;
  /** Writes a record as it is. */
  write(mutation: Mutation): Awaitable<void>;
  /** Resolves when what was written is quick to find: its indexes are made. */
  indexed(): Awaitable<void>;
  /** Starts an import that is there whole or not at all. */
  stage(): Awaitable<StagedRecords>;
  count(options: RangeOptions): Awaitable<number>;
  compact(options: CompactOptions): Awaitable<CompactionResult>;
  /** Does what is due of indexing and merging; nothing while somebody is at it. */
  maintain(): Awaitable<void>;
  /** Copies the store as it is into a directory that is absent or empty. */
  backup(directory: string, options: ToolOptions): Awaitable<BackupResult>;
  /** The same as one stream. */
  archive(options: Pick<ToolOptions, "onProgress">): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  stats(): Awaitable<StoreStats>;
  /** Makes writes as durable as the end of the session would, and what answers rest on; then others may write. */
  settle(): Awaitable<void>;
  /** Ends the session: writes are as durable as was asked for, or it throws. */
  close(): Awaitable<void>;
  /** Starts what can wait until the answer is out; called once, after `close`. */
  afterAnswer(): void;
}

/** Records that nobody sees before they are published. */
export interface StagedRecords {
  /** Adds a record, or a removal; of those of one key the last one counts. */
  add(mutation: Mutation): Awaitable<void>;
  /** Puts all of them into the store, durably; `onProgress` is told how much of that is done, from 0 to 1. */
  publish(onProgress: (done: number) => void): Promise<void>;
  /** Gives them up; does nothing once they are published. */
  discard(): Awaitable<void>;
}

export type Entry = readonly [key: Uint8Array, value: Uint8Array];

/** The scheme of a location that is no directory, such as `redis://host`; one letter would be a drive. */
export function schemeOf(location: string): string | undefined {
  // Nearly every location is a path: it is not worth compiling the expression for.
  return location.includes("://") ? /^([a-z][a-z0-9+.-]+):\/\//i.exec(location)?.[1] : undefined;
}
