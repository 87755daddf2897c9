import type { ReadingDisk } from "../disk/disk.ts";
import { indexName, isImportName, logName, parseIndexName, parseLogName } from "../disk/file-names.ts";
import { KvsError } from "../format/errors.ts";
import { belongsTo } from "../format/foreign-store.ts";
import type { Interval, LogHeader } from "../format/header.ts";
import { type Hint, promisedBytes } from "../format/hint.ts";
import type { EncodedKey } from "../format/key.ts";
import { hashKey } from "../format/hash.ts";
import type { StoredRecord } from "../format/record.ts";
import { hasBug } from "../format/seeded-bugs.ts";
import type { HintReader } from "./hint-reader.ts";
import { Log } from "./log.ts";
import type { TrustedTail } from "./log-frames.ts";
import type { LogOptions } from "./log-options.ts";
import { tile } from "./tiling.ts";

/** Listings that may fail in a row while other processes publish, before the store counts as unreadable. */
const LISTING_ATTEMPTS = 200;
const LISTING_PAUSE_MS = 1;

/**
 * The generations of a store as this handle sees them. Other processes append,
 * rotate and publish meanwhile; `catchUp` takes their changes in.
 */
export class Generations {
  readonly #disk: ReadingDisk;
  readonly #directory: string;
  readonly #hints: HintReader;
  readonly #logOptions: LogOptions;
  #logs: readonly Log[] = [];
  #superseded: readonly Interval[] = [];
  /** The indexes that the last listing showed. */
  #indexNames: ReadonlySet<string> = new Set();
  /** The change counter and the layout that this view includes; undefined when it must look at the files. */
  #seenCounter: number | undefined;
  #seenLayout: number | undefined;
  /** The whole store may be another one under the same name: no open log may be taken over. */
  #mustReopen = false;
  #damage: KvsError | undefined;
  /** Another number whenever something may have changed that this handle did not write itself. */
  version = 0;
  /** A listing showed an import that is under way, or was left by a process that died. */
  importsSeen = false;

  constructor(disk: ReadingDisk, directory: string, hints: HintReader, logOptions: LogOptions) {
    this.#disk = disk;
    this.#logOptions = logOptions;
    this.#directory = directory;
    this.#hints = hints;
  }

  /** The current logs, oldest first. */
  get logs(): readonly Log[] {
    return this.#logs;
  }

  /** The log that is written to, unless it was sealed and its successor is still to come. */
  get newest(): Log | undefined {
    return this.#logs.at(-1);
  }

  /** Logs that a merge has replaced and nobody has removed yet. */
  get superseded(): readonly Interval[] {
    return this.#superseded;
  }

  /** Sealed logs beside which no index was listed, whatever it may be worth: looking costs nothing. */
  get unindexed(): readonly Log[] {
    return this.#logs.slice(0, -1).filter((log) => !log.isForeign && !this.#indexNames.has(indexName(log)));
  }

  /**
   * Takes in what other handles wrote. Costs one read of the hint when nothing
   * changed. Returns the hint it went by, sampled before any file was looked at.
   */
  catchUp(): Hint | undefined {
    const hint = this.#hints.read();
    if (hint !== undefined && hint.counter === this.#seenCounter) return hint;
    this.version += 1;
    if (hint === undefined || hint.layout !== this.#seenLayout) return this.reload();
    this.newest?.catchUp(trustedTail(this.newest, hint));
    // The next log is there, or about to be.
    if (this.newest?.sealed === true) return this.reload();
    this.#judge(hint);
    return hint;
  }

  /** Lists the directory anew and opens what is new in it. */
  reload(): Hint | undefined {
    let previous: string | undefined;
    for (let attempt = 0; attempt < LISTING_ATTEMPTS; attempt += 1) {
      if (attempt > 1) Bun.sleepSync(LISTING_PAUSE_MS);
      const hint = this.#hints.read();
      const intervals = this.#listLogs();
      const problem = this.#adopt(intervals, hint);
      if (problem === undefined && !this.#isUnfinished() && !this.#mayMissLogs()) return this.#settle(hint);
      // A listing made while others publish may show neither the old nor the new:
      // only one that is seen twice, with nothing written between, is believed.
      const fingerprint = `${hint?.counter}/${intervals.map(logName).toSorted().join("/")}`;
      if (fingerprint === previous) {
        if (problem !== undefined) throw problem;
        return this.#settle(hint);
      }
      previous = fingerprint;
    }
    throw new KvsError(
      "IO",
      `Cannot open store "${this.#directory}": its files change faster than they can be listed`,
    );
  }

  /** The newest record of a key, a removal too; damage that could hide a newer one is thrown. */
  find(key: EncodedKey): StoredRecord | undefined {
    this.checkNewest();
    const { newest } = this;
    if (newest === undefined) return undefined;
    const hash = hashKey(key, newest.hashSeed);
    const record = newest.lookup(key, hash);
    return record ?? this.#findInSealed(key, hash);
  }

  /** The newest record of a key that has a value which did not expire by `now` (absolute milliseconds). */
  findLive(key: EncodedKey, now?: number): StoredRecord | undefined {
    const record = this.find(key);
    if (record?.kind !== "put") return undefined;
    // Most never expire, and the clock is not asked for them.
    return record.expiresAt === 0 || isLive(record, now ?? Date.now()) ? record : undefined;
  }

  /** Throws if any log is damaged or incomplete, as far as can be told without reading what an index covers. */
  loadAll(): void {
    this.checkNewest();
    for (const log of this.#logs) if (log !== this.newest) log.loadSealed();
  }

  /** Throws if the newest log ends before what was promised to be in it. */
  checkNewest(): void {
    if (this.#damage !== undefined) throw this.#damage;
  }

  /** How far the newest log must be whole, by this hint. */
  promised(hint: Hint | undefined): number {
    if (hint === undefined || hint.logId !== this.newest?.header.logId) return 0;
    return promisedBytes(hint, this.#disk.bootId());
  }

  /** Adds the log that this handle created. */
  push(log: Log): void {
    // Part of the view before it is read: what cannot be read is closed with the others.
    this.#logs = [...this.#logs, log];
    log.catchUp();
    this.#damage = undefined;
  }

  /** Opens a log that was just put in place, as this handle opens them; undefined when there is none. */
  open(interval: Interval): Log | undefined {
    return Log.open(this.#disk, this.#directory, interval, this.#logOptions);
  }

  /** Takes over what indexes were made meanwhile. */
  adoptIndexes(): void {
    for (const log of this.#logs) if (log !== this.newest) log.adoptIndex();
  }

  /** Notes that this view includes everything up to a hint that this handle wrote. */
  noteSeen(hint: Hint): void {
    this.#seenCounter = hint.counter;
    this.#seenLayout = hint.layout;
  }

  /** Makes the next `catchUp` look at the files, whatever the counter says. */
  forgetSeen(): void {
    this.#seenCounter = undefined;
    this.#seenLayout = undefined;
  }

  /** Makes the next `catchUp` read LOCK anew; where it was replaced, the logs may have been as well. */
  forgetLock({ replaced }: { readonly replaced: boolean }): void {
    this.#hints.close();
    this.forgetSeen();
    if (replaced) this.#mustReopen = true;
  }

  close(): void {
    for (const log of this.#logs) log.release();
    this.#logs = [];
  }

  #findInSealed(key: EncodedKey, hash: number): StoredRecord | undefined {
    for (let index = this.#logs.length - 2; index >= 0; index -= 1) {
      const log = this.#logs[index];
      const record = log?.lookupSealed(key, hash);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  #listLogs(): Interval[] {
    const intervals: Interval[] = [];
    const indexNames = new Set<string>();
    for (const name of this.#disk.list(this.#directory) ?? []) {
      const interval = parseLogName(name);
      if (interval !== undefined) intervals.push(interval);
      else if (parseIndexName(name) !== undefined) indexNames.add(name);
      else if (isImportName(name)) this.importsSeen = true;
    }
    this.#indexNames = indexNames;
    return intervals;
  }

  /** Makes these logs the view; an error where they are no store, undefined where all is well. */
  #adopt(intervals: readonly Interval[], hint: Hint | undefined): KvsError | undefined {
    const { current, superseded, problem } = tile(intervals, (interval) => this.#isForeign(interval));
    if (problem !== undefined) return this.#notAStore(problem);
    const last = current.at(-1)?.last ?? 0;
    if (hint !== undefined && hint.generation > last) {
      return this.#notAStore(`the newest log, generation ${hint.generation}, is missing`);
    }
    const opened = this.#openAll(current);
    if (opened === undefined) return this.#notAStore("a log vanished while it was being opened");
    const failure = this.#refuse(opened, superseded, hint);
    if (failure !== undefined) return failure;
    for (const log of this.#logs) log.releaseInBackground();
    this.#logs = opened;
    this.#mustReopen = false;
    this.#superseded = superseded;
    this.newest?.catchUp(trustedTail(this.newest, hint));
    this.adoptIndexes();
    return undefined;
  }

  /** Opens logs, or takes over those that are open; undefined if one is not there any more. */
  #openAll(intervals: readonly Interval[]): Log[] | undefined {
    const known = this.#mustReopen ? [] : this.#logs;
    const opened: Log[] = [];
    for (const interval of intervals) {
      // No name is ever used for two files.
      const log = known.find(({ first, last }) => first === interval.first && last === interval.last);
      if (log !== undefined) {
        log.retain();
        opened.push(log);
        continue;
      }
      const fresh = this.#openOrRelease(interval, opened);
      if (fresh === undefined) return undefined;
      opened.push(fresh);
    }
    return opened;
  }

  /** Opens one log; where that fails, gives back those opened before it. */
  #openOrRelease(interval: Interval, opened: readonly Log[]): Log | undefined {
    let log: Log | undefined;
    try {
      log = this.open(interval);
      return log;
    } finally {
      if (log === undefined) for (const other of opened) other.release();
    }
  }

  /** Gives logs back that are no store, or of which that cannot be told; the reason, undefined where all is well. */
  #refuse(
    logs: readonly Log[],
    superseded: readonly Interval[],
    hint: Hint | undefined,
  ): KvsError | undefined {
    let isFine = false;
    try {
      const failure = this.#findStranger(logs, hint) ?? this.#findUnfoundedClaim(logs, superseded);
      isFine = failure === undefined;
      return failure;
    } finally {
      if (!isFine) for (const log of logs) log.release();
    }
  }

  #findStranger(logs: readonly Log[], hint: Hint | undefined): KvsError | undefined {
    const ours = logs.find((log) => !log.isForeign)?.header.storeId;
    // Where none is ours nobody has written to the store yet: LOCK does not say otherwise, and there is
    // something to read. A log of ours that was cut off altogether is no foreign one.
    const isForeign = ours === undefined && hint === undefined && logs.some((log) => log.startsWithCommand());
    if (isForeign) return undefined;
    const stranger = logs.find((log) => ours === undefined || !belongsTo(log.header, ours));
    const reason = stranger?.isForeign === true ? "it has no header" : "it belongs to another store";
    return stranger?.damage({ offset: 0, reason });
  }

  /**
   * A log replaces others only if it is whole, of the same store as they are,
   * and made from them, directly or by way of another that it replaces as well.
   */
  #findUnfoundedClaim(logs: readonly Log[], superseded: readonly Interval[]): KvsError | undefined {
    if (superseded.length === 0) return undefined;
    const claimed = superseded.flatMap((interval) => this.#headerOf(interval) ?? []);
    const named = new Set([...logs.map(({ header }) => header), ...claimed].flatMap(({ inputs }) => inputs));
    for (const header of claimed) {
      const cover = logs.find((log) => log.first <= header.first && header.last <= log.last);
      if (cover === undefined) continue;
      if (!cover.endsWithSeal()) {
        return cover.damage({ offset: cover.size(), reason: "the log breaks off before its seal" });
      }
      if (!belongsTo(header, cover.header.storeId)) {
        return cover.damage({ offset: 0, reason: "it belongs to another store" });
      }
      if (!named.has(header.logId)) {
        return cover.damage({
          offset: 0,
          reason: `it was not made from the "${logName(header)}" that is there`,
        });
      }
    }
    return undefined;
  }

  /** The head of a log that was replaced; undefined when it is gone, or damaged and of no more use. */
  #headerOf(interval: Interval): LogHeader | undefined {
    // A copy: the id of a foreign log is worked out from its bytes, as long as it is open.
    return this.#lookAt(interval, ({ header }) => ({ ...header }));
  }

  #isForeign(interval: Interval): boolean {
    return this.#lookAt(interval, (log) => log.isForeign) === true;
  }

  /** Opens a log for a moment; undefined when it is gone or its head is damaged. */
  #lookAt<T>(interval: Interval, look: (log: Log) => T): T | undefined {
    let log: Log | undefined;
    try {
      log = this.open(interval);
      return log === undefined ? undefined : look(log);
    } catch (error) {
      if (error instanceof KvsError && error.code === "CORRUPT") return undefined;
      throw error;
    } finally {
      log?.release();
    }
  }

  /** True while foreign logs are in the view: a listing that misses one of them may show no gap. */
  #mayMissLogs(): boolean {
    return this.#logs[0]?.isForeign === true;
  }

  /** True when the newest log is sealed: its successor may just not have been listed. */
  #isUnfinished(): boolean {
    return this.newest?.sealed === true;
  }

  #settle(hint: Hint | undefined): Hint | undefined {
    this.#seenLayout = hint?.layout;
    this.#judge(hint);
    return hint;
  }

  #judge(hint: Hint | undefined): void {
    this.#damage = this.#damageOfNewest(hint);
    // Odd: somebody is writing, or died while writing; what comes must be looked at.
    // Sealed: the next log is about to be there, and is put in place before it is announced.
    const isEven = hint !== undefined && (hint.counter % 2 === 0 || hasBug("believe a counter that is odd"));
    const settled = isEven && !this.#isUnfinished();
    this.#seenCounter = settled ? hint.counter : undefined;
  }

  #damageOfNewest(hint: Hint | undefined): KvsError | undefined {
    const log = this.newest;
    if (log === undefined) return undefined;
    if (log.sealed || log.isForeign) return log.fault === undefined ? undefined : log.damage(log.fault);
    // More than either is never promised: mostly this settles it, and the boot need not be known.
    if (hint === undefined || log.end >= Math.max(hint.writtenBytes, hint.syncedBytes)) return undefined;
    if (log.end >= this.promised(hint)) return undefined;
    return log.damage(
      log.fault ?? { offset: log.end, reason: "the log breaks off before what was written to it" },
    );
  }

  #notAStore(problem: string): KvsError {
    return new KvsError("CORRUPT", `Cannot open store "${this.#directory}": ${problem}`, {
      file: this.#directory,
    });
  }
}

function trustedTail(log: Log, hint: Hint | undefined): TrustedTail | undefined {
  if (hint?.logId !== log.header.logId) return undefined;
  return { end: hint.writtenBytes, digest: hint.tailDigest };
}

/** True for a value that has not expired by `now`. */
export function isLive({ kind, expiresAt }: Pick<StoredRecord, "kind" | "expiresAt">, now: number): boolean {
  return kind === "put" && (expiresAt === 0 || expiresAt > now);
}
