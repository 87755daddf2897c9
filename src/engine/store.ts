import type { Disk } from "../disk/disk.ts";
import { briefDisk } from "../disk/brief-disk.ts";
import { realDisk } from "../disk/real-disk.ts";
import { KvsError } from "../format/errors.ts";
import { decodeKey, encodeKey, type EncodedKey, keyBytes } from "../format/key.ts";
import type { Mutation, StoredRecord } from "../format/record.ts";
import { archiveOf, type BackupResult, backUp } from "./backup.ts";
import { mutationsOf } from "./batch.ts";
import type { CompactionResult } from "./compaction.ts";
import { incremented } from "./counter.ts";
import { StoreHandle, type Surroundings } from "./handle.ts";
import {
  type BatchOperation,
  type CompactOptions,
  type DeleteOptions,
  type Durability,
  expiryAfter,
  KNOWN_OPTIONS,
  type Key,
  type OpenOptions,
  type RangeOptions,
  refuseUnknown,
  resolveOptions,
  type ScanOptions,
  type SetOptions,
  type StoreRecord,
  type ToolOptions,
  type Value,
} from "./options.ts";
import { maintainStore } from "./maintain-store.ts";
import { checkScan, limitOf, rangeOf } from "./range.ts";
import type { Newest } from "./runs.ts";
import type { ScanRequest } from "./scan.ts";
import { runInSlices } from "./slices.ts";
import type { StoreStats } from "./stats.ts";
import { verifyFiles, type VerifyReport } from "./verify.ts";
import { bytesOf, checkValue, hasValue, joinValues, textOf, textOfValue } from "./value.ts";

/** Removals of one `deletePrefix` share frames of this many. */
const REMOVALS_A_FRAME = 1000;

const URGENT = { urgent: true } as const;
const NOT_URGENT = { urgent: false } as const;

type BytesEncoding = { readonly encoding: "bytes" };
type TextEncoding = { readonly encoding?: "utf8" };

/**
 * An open store: one directory, shared with any number of other handles and
 * processes. Everything is synchronous but `flush` and `compact`.
 *
 * Reads take no lock. A tick's writes hold the write lock from the first of
 * them to the tick's end, and reach the operating system by then.
 *
 * @example
 * using store = KvStore.open("./data");
 * store.set("greeting", "Hello, World!");
 * store.get("greeting"); // "Hello, World!"
 */
export class KvStore implements Disposable, AsyncDisposable {
  /** Absolute path of the store. */
  readonly directory: string;
  readonly #handle: StoreHandle;

  /**
   * Opens a store, creating it (the last component of its path only, mode 0700)
   * unless `readOnly` is set. Errors: `NO_STORE` for a read-only handle where
   * there is no directory, `CORRUPT`, `UNSUPPORTED_VERSION`, `IO`, and `LOCKED`
   * if another process holds on to a store that is still to be created.
   *
   * @example
   * using store = KvStore.open("./data", { durability: "sync" });
   */
  static open(directory: string, options: OpenOptions = {}): KvStore {
    return KvStore.openOn({ disk: realDisk, leavesMaintenance: false }, directory, options);
  }

  /**
   * Opens a store for a process that ends when its work is done: what is due when
   * the handle is closed is left to the caller. `isBrief` if that is one thing. @internal
   */
  static openForProcess(
    directory: string,
    options: OpenOptions = {},
    kind: Pick<Surroundings, "startIndexing"> & { readonly isBrief?: boolean } = {},
  ): KvStore {
    const { isBrief = false, startIndexing } = kind;
    const disk = isBrief ? briefDisk() : realDisk;
    return KvStore.openOn({ disk, leavesMaintenance: true, startIndexing }, directory, options);
  }

  /** Makes the indexes a store lacks and the merges that are due; does nothing where somebody is at it. @internal */
  static maintain(directory: string, options: OpenOptions = {}): void {
    maintainStore(realDisk, realDisk.absolute(directory), resolveOptions(options));
  }

  /** Opens a store on another disk than this machine's, as tests do, or for a process that does one thing. @internal */
  static openOn(where: Disk | Surroundings, directory: string, options: OpenOptions = {}): KvStore {
    if (directory === "") throw new KvsError("INVALID_ARGUMENT", "Cannot open store: its path is empty");
    const surroundings = "disk" in where ? where : { disk: where, leavesMaintenance: false };
    const handle = new StoreHandle(surroundings, directory, resolveOptions(options));
    handle.open();
    return new KvStore(handle);
  }

  private constructor(handle: StoreHandle) {
    this.#handle = handle;
    this.directory = handle.directory;
  }

  /** Hands the inside of the store to what not every program that uses one needs to load. @internal */
  withHandle<T>(work: (handle: StoreHandle) => T): T {
    return work(this.#handle);
  }

  /** After `close`: whether it left work for `maintain`. @internal */
  get isMaintenanceDue(): boolean {
    return this.#handle.maintenanceIsDue;
  }

  /** The value as text, or undefined. Throws `NOT_UTF8` for a value that is not text, and `CORRUPT`. */
  get(key: Key): string | undefined {
    return this.#handle.readText(encodeKey(key));
  }

  /** The value's bytes, in an array of the caller's own, or undefined. */
  getBytes(key: Key): Uint8Array | undefined {
    return this.#handle.readBytes(encodeKey(key));
  }

  /** True if the key has a value. */
  has(key: Key): boolean {
    return this.#handle.read(encodeKey(key)) !== undefined;
  }

  /**
   * Stores a value; false if a condition of the options is not met. Clears an
   * expiry unless `ttlMs` sets one. At most 65,535 bytes of key and 512 MiB of value.
   *
   * @example
   * store.set("session", token, { ttlMs: 60_000 });
   * if (!store.set("lock", owner, { ifAbsent: true })) console.log("somebody has it");
   */
  set(key: Key, value: Value, options: SetOptions = {}): boolean {
    refuseUnknown(options, KNOWN_OPTIONS.set);
    const { ttlMs, ifAbsent = false, ifEquals } = options;
    if (ifAbsent && ifEquals !== undefined) {
      throw new KvsError("INVALID_ARGUMENT", "Cannot set: ifAbsent and ifEquals exclude each other");
    }
    const encoded = encodeKey(key);
    checkValue(value);
    if (ifEquals !== undefined) checkValue(ifEquals);
    const mutation = put(encoded, value, ttlMs === undefined ? 0 : expiryAfter(ttlMs, Date.now()));
    this.#handle.begin();
    const conditional = ifAbsent || ifEquals !== undefined;
    if (conditional && !this.#hasExpected(encoded, ifEquals)) return this.#handle.answer(false);
    this.#handle.write([mutation], conditional ? URGENT : NOT_URGENT);
    return true;
  }

  /** Removes a key; throws `KEY_NOT_FOUND` if it has no value. */
  remove(key: Key): void {
    if (!this.delete(key)) throw new KvsError("KEY_NOT_FOUND", "Key not found");
  }

  /** Removes a key; false if it has no value, or not the one that `ifEquals` names. */
  delete(key: Key, options: DeleteOptions = {}): boolean {
    refuseUnknown(options, KNOWN_OPTIONS.delete);
    const { ifEquals } = options;
    const encoded = encodeKey(key);
    if (ifEquals !== undefined) checkValue(ifEquals);
    this.#handle.begin();
    const matches =
      ifEquals === undefined
        ? this.#handle.read(encoded) !== undefined
        : this.#hasExpected(encoded, ifEquals);
    if (!matches) return this.#handle.answer(false);
    this.#handle.write([removal(encoded)], { urgent: ifEquals !== undefined });
    return true;
  }

  /** Removes a key and returns the value it had, as text: of several callers only one gets it. */
  take(key: Key): string | undefined {
    return this.#take(key, textOf);
  }

  /** Like `take`, with the value's bytes. */
  takeBytes(key: Key): Uint8Array | undefined {
    return this.#take(key, bytesOf);
  }

  /**
   * Adds to a decimal integer and returns the sum; a missing key counts from 0.
   * Throws `NOT_A_NUMBER` or `OUT_OF_RANGE` and leaves the value as it is.
   */
  increment(key: Key, by = 1): number {
    const encoded = encodeKey(key);
    this.#handle.begin();
    const record = this.#handle.read(encoded);
    const sum = incremented(record, by);
    this.#handle.write([put(encoded, String(sum), record?.expiresAt ?? 0)], URGENT);
    return sum;
  }

  /** Puts bytes behind a value; creates a missing key. */
  append(key: Key, suffix: Value): void {
    const encoded = encodeKey(key);
    checkValue(suffix);
    this.#handle.begin();
    const record = this.#handle.read(encoded);
    const value = record === undefined ? suffix : joinValues(record, suffix);
    this.#handle.write([put(encoded, value, record?.expiresAt ?? 0)], URGENT);
  }

  /**
   * Replaces a value by what `change` makes of it, with nobody writing between;
   * returns what is stored then. `change` runs while the store is locked: it
   * must be synchronous and may not write. If it returns undefined, nothing changes.
   *
   * @example
   * store.update("list", (old) => `${old ?? ""}another\n`);
   */
  update(key: Key, change: (old: string | undefined) => Value | undefined): string | undefined {
    const encoded = encodeKey(key);
    this.#handle.begin();
    const record = this.#handle.read(encoded);
    const old = record === undefined ? undefined : textOf(record);
    const value = this.#handle.runPinned(() => change(old));
    if (value === undefined) return this.#handle.answer(old);
    checkValue(value);
    const text = textOfValue(value);
    this.#handle.write([put(encoded, value, record?.expiresAt ?? 0)], URGENT);
    return text;
  }

  /** Milliseconds until the key expires, null if it never does, undefined if it has no value. */
  ttl(key: Key): number | null | undefined {
    const now = Date.now();
    const record = this.#handle.read(encodeKey(key), now);
    if (record === undefined) return undefined;
    return record.expiresAt === 0 ? null : record.expiresAt - now;
  }

  /** Makes a key expire in `ttlMs` milliseconds from now; false if it has no value. */
  expire(key: Key, ttlMs: number): boolean {
    return this.#setExpiry(key, expiryAfter(ttlMs, Date.now()));
  }

  /** Makes a key stay until it is removed; false if it has no value. */
  persist(key: Key): boolean {
    return this.#setExpiry(key, 0);
  }

  /** Removes every key that starts with a prefix; how many. A crash may leave the first of them, in key order, removed. */
  deletePrefix(prefix: Key): number {
    const range = rangeOf({ prefix });
    this.#handle.begin();
    const keys = [
      ...this.#handle.scan(
        () => ({ range }),
        ({ key }) => key,
      ),
    ];
    for (let at = 0; at < keys.length; at += REMOVALS_A_FRAME) {
      this.#handle.write(keys.slice(at, at + REMOVALS_A_FRAME).map(removal), URGENT);
    }
    return this.#handle.answer(keys.length);
  }

  /**
   * Applies all operations or none, in their order, at most 1 GiB; removing a
   * missing key is no error.
   *
   * @example
   * store.batch([{ set: ["a", "1"] }, { set: ["b", "2"], ttlMs: 1000 }, { remove: "c" }]);
   */
  batch(operations: Iterable<BatchOperation>): void {
    const mutations = mutationsOf(operations, Date.now());
    this.#handle.begin();
    if (mutations.length > 0) this.#handle.write(mutations, URGENT);
  }

  /**
   * Entries in bytewise order of their keys: the store as it is when the first
   * one is asked for, whatever is written, rotated or compacted meanwhile.
   *
   * @example
   * for (const [key, value] of store.entries({ prefix: "user/", limit: 10 })) console.log(key, value);
   */
  entries(options?: ScanOptions & TextEncoding): IteratorObject<[string, string], undefined>;
  entries(options: ScanOptions & BytesEncoding): IteratorObject<[Uint8Array, Uint8Array], undefined>;
  entries(
    options: ScanOptions & (TextEncoding | BytesEncoding) = {},
  ): IteratorObject<[Value, Value], undefined> {
    const [keyOf, valueOf] = options.encoding === "bytes" ? [keyToBytes, bytesOf] : [keyToText, textOf];
    return this.#scan(options, (newest) => [keyOf(newest), valueOf(newest.record)]);
  }

  /** Keys in bytewise order, otherwise like `entries`. */
  keys(options?: ScanOptions & TextEncoding): IteratorObject<string, undefined>;
  keys(options: ScanOptions & BytesEncoding): IteratorObject<Uint8Array, undefined>;
  keys(options: ScanOptions & (TextEncoding | BytesEncoding) = {}): IteratorObject<Value, undefined> {
    return this.#scan<Value>(options, options.encoding === "bytes" ? keyToBytes : keyToText);
  }

  /** Values in bytewise order of their keys, otherwise like `entries`. */
  values(options?: ScanOptions & TextEncoding): IteratorObject<string, undefined>;
  values(options: ScanOptions & BytesEncoding): IteratorObject<Uint8Array, undefined>;
  values(options: ScanOptions & (TextEncoding | BytesEncoding) = {}): IteratorObject<Value, undefined> {
    const valueOf = options.encoding === "bytes" ? bytesOf : textOf;
    return this.#scan<Value>(options, (newest) => valueOf(newest.record));
  }

  /**
   * Keys, values and expiries, as bytes, in bytewise order of the keys: all that a
   * copy of the store needs. Otherwise like `entries`.
   *
   * @example
   * for (const { key, value, expiresAt } of store.records()) copy(key, value, expiresAt);
   */
  records(options: ScanOptions = {}): IteratorObject<StoreRecord, undefined> {
    return this.#scan<StoreRecord>(options, (newest) => ({
      key: keyToBytes(newest),
      value: bytesOf(newest.record),
      expiresAt: newest.record.expiresAt || null,
    }));
  }

  /** How many keys have a value. */
  count(options: RangeOptions = {}): number {
    refuseUnknown(options, KNOWN_OPTIONS.range);
    const range = rangeOf(options);
    let count = 0;
    for (const _ of this.#handle.scan(
      () => ({ range }),
      () => undefined,
    ))
      count += 1;
    return count;
  }

  /** Resolves when everything set before the call is on the disk. Callers at the same time share one sync. */
  async flush(): Promise<void> {
    await this.#handle.sync();
  }

  /**
   * Like `flush`, and blocks until then: about as long as one durable write. Many
   * writes before it cost one sync. With `durability: "os"` it stops at the
   * operating system. Others may write as soon as it returns.
   *
   * @example
   * for (const [key, value] of rows) store.set(key, value);
   * store.flushSync();
   */
  flushSync({ durability = "sync" }: { readonly durability?: Durability } = {}): void {
    this.#handle.flushSync(durability);
  }

  /**
   * Merges all generations into one and drops what is stale; writers and
   * readers go on meanwhile. With `format`, the store is written in it from now on.
   */
  async compact(options: CompactOptions = {}): Promise<CompactionResult> {
    refuseUnknown(options, KNOWN_OPTIONS.compact);
    if (options.format !== undefined) resolveOptions({ format: options.format });
    return this.#handle.compact(options);
  }

  /** Counts generations, keys, live and stale bytes, exactly: every key of the store is visited. */
  stats(): StoreStats {
    return this.#handle.stats();
  }

  /**
   * Reads every byte of the store, verifies every checksum, and tells what is
   * wrong; damage is no error. See `verifyStore`.
   *
   * @example
   * const { damage } = await store.verify();
   */
  async verify({ onProgress, signal }: ToolOptions = {}): Promise<VerifyReport> {
    this.#handle.flushSync("os");
    return await runInSlices(verifyFiles(this.#handle.disk, this.directory, onProgress), signal);
  }

  /**
   * Puts the store as it is now, whatever is written meanwhile, into an absent or
   * empty directory, which can be opened or restored then; durable when it resolves.
   * The newest log is sealed, and files get second names there if they can, or else
   * are copied; of a store that may only be read, what is written of the newest log
   * is copied. Until it has succeeded, the directory holds no store. Errors: `IO`,
   * `CORRUPT`, `LOCKED`.
   *
   * @example
   * await store.backup("./backups/today");
   */
  async backup(directory: string, { onProgress, signal }: ToolOptions = {}): Promise<BackupResult> {
    if (directory === "") throw new KvsError("INVALID_ARGUMENT", "Cannot back up: the path is empty");
    const { disk } = this.#handle;
    const steps = backUp(disk, () => this.#handle.snapshot(), disk.absolute(directory), onProgress);
    return await runInSlices(steps, signal);
  }

  /**
   * The same as the bytes of a tar archive with checksums, in pieces of at most
   * 1 MiB, for `restoreStore`: the store as it is when the first one is asked for.
   *
   * @example
   * const file = Bun.file("backup.tar").writer();
   * for (const piece of store.archive()) file.write(piece);
   * await file.end();
   */
  *archive({ onProgress }: Pick<ToolOptions, "onProgress"> = {}): Generator<Uint8Array, undefined> {
    const snapshot = this.#handle.snapshot();
    try {
      yield* archiveOf(snapshot, onProgress);
    } finally {
      snapshot.release();
    }
  }

  /**
   * Makes everything durable and closes the files; with `durability: "os"`, it
   * leaves the last writes to the operating system. Closing again does nothing.
   */
  close({ durability = "sync" }: { readonly durability?: Durability } = {}): void {
    this.#handle.close(durability);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Whether the key has the expected value, or none if none is expected; the lock must be held. */
  #hasExpected(key: EncodedKey, expected: Value | undefined): boolean {
    const record = this.#handle.read(key);
    return expected === undefined ? record === undefined : record !== undefined && hasValue(record, expected);
  }

  #take<T>(key: Key, decode: (record: StoredRecord) => T): T | undefined {
    const encoded = encodeKey(key);
    this.#handle.begin();
    const record = this.#handle.read(encoded);
    if (record === undefined) return this.#handle.answer(undefined);
    // Decoded first: a value that cannot be returned stays.
    const value = decode(record);
    this.#handle.write([removal(encoded)], URGENT);
    return value;
  }

  #setExpiry(key: Key, expiresAt: number): boolean {
    const encoded = encodeKey(key);
    this.#handle.begin();
    const record = this.#handle.read(encoded);
    if (record === undefined) return this.#handle.answer(false);
    const { kind, value, encoding } = record;
    this.#handle.write([{ kind, key: encoded, value, encoding, expiresAt }], URGENT);
    return true;
  }

  #scan<T>(options: ScanOptions, decode: (newest: Newest) => T): IteratorObject<T, undefined> {
    const request = (): ScanRequest => {
      checkScan(options);
      const { reverse = false } = options;
      return { range: rangeOf(options), limit: limitOf(options), reverse };
    };
    return this.#handle.scan(request, decode);
  }
}

function put(key: EncodedKey, value: Value, expiresAt: number): Mutation {
  return { kind: "put", key, value, expiresAt };
}

function removal(key: EncodedKey): Mutation {
  return { kind: "remove", key, value: "", expiresAt: 0 };
}

function keyToBytes({ key }: Newest): Uint8Array {
  return new Uint8Array(keyBytes(key));
}

function keyToText({ key }: Newest): string {
  const text = decodeKey(key);
  if (text !== undefined) return text;
  throw new KvsError("NOT_UTF8", 'Cannot read key as text: it is not UTF-8, encoding "bytes" returns it');
}
