import type { Disk } from "../disk/disk.ts";
import { logName, parseLogName } from "../disk/file-names.ts";
import {
  BLOCK_BYTES,
  type Checksum,
  CHECKSUMS_NAME,
  damaged,
  encodeChecksums,
  END_OF_ARCHIVE,
  MAX_CHECKSUMS_BYTES,
  paddingAfter,
  parseMember,
} from "../format/archive.ts";
import { KvsError } from "../format/errors.ts";
import { belongsTo, isForeign } from "../format/foreign-store.ts";
import type { Interval, LogHeader } from "../format/header.ts";
import { type BackupResult, copyLog } from "./backup.ts";
import { ByteReader, type ByteSource } from "./byte-reader.ts";
import { Generations } from "./generations.ts";
import { HintReader } from "./hint-reader.ts";
import { startOf } from "./log-start.ts";
import { explain, LogWalk } from "./log-walk.ts";
import type { ToolOptions } from "./options.ts";
import { runInSlices } from "./slices.ts";
import { snapshotOf } from "./snapshot.ts";
import { StagedStore } from "./staged-store.ts";
import { tile } from "./tiling.ts";
import type { OnProgress } from "./verify.ts";

const STAGING = { action: "restore into", keepsLock: true } as const;

/** More members than that no store has logs. */
const MOST_MEMBERS = 100_000;

/** Programs that copy archives fill up their last piece. */
const MAX_FILLING_BYTES: number = 1024 * 1024;

/** What the view of a backup keeps of its newest log in memory. */
const TAIL_BYTES: number = 1024 * 1024;

/** Makes a store of a directory that holds one, as a backup does: a copy of its logs, every byte of which was verified. */
export function* restoreDirectory(
  disk: Disk,
  source: string,
  directory: string,
  onProgress: OnProgress = () => undefined,
): Generator<void, BackupResult> {
  const hints = new HintReader(disk, source);
  const generations = new Generations(disk, source, hints, { map: false, tailBytes: TAIL_BYTES });
  try {
    generations.reload();
    const snapshot = snapshotOf(generations);
    if (snapshot === undefined) {
      const reason = disk.list(source) === undefined ? "there is no such directory" : "there is no log in it";
      throw new KvsError("NO_STORE", `Cannot restore from "${source}": ${reason}`);
    }
    const store = StagedStore.begin(disk, directory, STAGING);
    try {
      let copied = 0;
      for (const log of snapshot.logs) {
        yield* copyLog(store, log, (bytes) => onProgress((copied + bytes) / snapshot.bytes / 2));
        copied += log.bytes;
      }
      return yield* finish(store, snapshot.logs, (done) => onProgress((1 + done) / 2));
    } finally {
      store.end();
      snapshot.release();
    }
  } finally {
    generations.close();
    hints.close();
  }
}

/** Makes a store of an archive as `archiveOf` writes it. Whatever stands in it, nothing but logs inside the directory is written. */
export async function restoreArchive(
  disk: Disk,
  source: ByteSource,
  directory: string,
  { onProgress, signal }: ToolOptions,
): Promise<BackupResult> {
  const store = StagedStore.begin(disk, directory, STAGING);
  const reader = new ByteReader(source, signal);
  try {
    const intervals = await unpack(store, reader);
    await expectEnd(reader);
    return await runInSlices(finish(store, intervals, onProgress), signal);
  } finally {
    reader.close();
    store.end();
  }
}

/** Writes the members of an archive into a store, up to the checksums, which must be theirs. */
async function unpack(store: StagedStore, reader: ByteReader): Promise<Interval[]> {
  const intervals: Interval[] = [];
  const checksums: Checksum[] = [];
  const names = new Set<string>();
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- members follow one another
    const member = parseMember(await reader.take(BLOCK_BYTES));
    if (member === undefined) throw damaged("its checksums are missing");
    const { name, bytes } = member;
    if (name === CHECKSUMS_NAME) {
      if (bytes > MAX_CHECKSUMS_BYTES) throw damaged("its checksums are too long");
      // oxlint-disable-next-line no-await-in-loop -- this is the last member
      const found = await reader.take(bytes + paddingAfter(bytes).length);
      if (!found.subarray(0, bytes).equals(encodeChecksums(checksums)))
        throw damaged("its checksums do not match");
      return intervals;
    }
    const interval = parseLogName(name);
    if (interval === undefined) throw damaged(`it holds ${JSON.stringify(name)}, which is no log`);
    if (names.has(name)) throw damaged(`it holds "${name}" twice`);
    if (names.size === MOST_MEMBERS) throw damaged("it holds too many files");
    names.add(name);
    // oxlint-disable-next-line no-await-in-loop -- members follow one another
    checksums.push({ name, sha256: await writeMember(store, interval, reader, bytes) });
    intervals.push(interval);
  }
}

/** Writes one member into a log; its SHA-256. */
async function writeMember(
  store: StagedStore,
  interval: Interval,
  reader: ByteReader,
  bytes: number,
): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  const log = store.create(interval);
  try {
    for await (const piece of reader.pieces(bytes)) {
      hash.update(piece);
      log.append(piece);
    }
    log.finish();
  } finally {
    log.close();
  }
  await reader.take(paddingAfter(bytes).length);
  return hash.digest("hex");
}

/** Behind the checksums stand zeros: two blocks, and as many as the program that has copied it liked to add. */
async function expectEnd(reader: ByteReader): Promise<void> {
  let bytes = 0;
  for await (const piece of reader.remaining()) {
    bytes += piece.length;
    if (bytes > MAX_FILLING_BYTES || piece.some((byte) => byte !== 0)) {
      throw damaged("something stands behind its end");
    }
  }
  if (bytes < END_OF_ARCHIVE.length) throw damaged("it breaks off");
}

/** Verifies every byte of what was staged, then makes a store of it. */
function* finish(
  store: StagedStore,
  intervals: readonly Interval[],
  onProgress: OnProgress = () => undefined,
): Generator<void, BackupResult> {
  const ordered = intervals.toSorted((a, b) => a.first - b.first);
  const owners = new Map<Interval, Owner>();
  let bytes = 0;
  for (const [index, interval] of ordered.entries()) {
    const isNewest = index === ordered.length - 1;
    const onLog = (done: number): void => onProgress((index + done) / ordered.length);
    const checked = yield* checkLog(store, interval, { isNewest }, onLog);
    owners.set(interval, checked.owner);
    bytes += checked.bytes;
  }
  store.publish(checkTogether(ordered, owners));
  return { logs: ordered.length, bytes };
}

/** Whose a log is. */
type Owner = Pick<LogHeader, "storeId" | "last">;

function* checkLog(
  store: StagedStore,
  interval: Interval,
  { isNewest }: { readonly isNewest: boolean },
  onProgress: OnProgress,
): Generator<void, { readonly owner: Owner; readonly bytes: number }> {
  const refuse = (reason: string): KvsError => damaged(`"${logName(interval)}" is damaged, ${reason}`);
  const file = store.open(interval);
  try {
    const { header, fault, walkable } = yield* startOf(file, interval);
    if (fault !== undefined || header === undefined || walkable === undefined) {
      throw refuse(fault ?? "it has no header");
    }
    const bytes = file.size();
    const walk = new LogWalk(file, walkable, bytes);
    for (const item of walk.items()) {
      if (item.kind === "damage") throw refuse(explain({ ...item, at: item.at ?? item.position }));
      onProgress(walk.position / bytes);
      yield;
    }
    const { endsInSeal } = walkable.codec;
    const { rest } = walk;
    if (rest !== undefined && (endsInSeal || !rest.breaksOff)) {
      throw refuse(`${rest.reason} at offset ${rest.offset}`);
    }
    if (endsInSeal && !walk.sealed && !isNewest) throw refuse("it breaks off before its seal");
    return { owner: { storeId: header.storeId, last: header.last }, bytes };
  } finally {
    file.close();
  }
}

/** Checks that logs, each of them sound, are one store; returns the one without which they are none. */
function checkTogether(ordered: readonly Interval[], owners: ReadonlyMap<Interval, Owner>): Interval {
  const newest = ordered.at(-1);
  const owner = newest && owners.get(newest);
  if (newest === undefined || owner === undefined) throw damaged("there is no log in it");
  const isForeignLog = (interval: Interval): boolean => isForeign(owners.get(interval) ?? owner);
  const { superseded, problem } = tile(ordered, isForeignLog);
  if (problem !== undefined) throw damaged(problem);
  for (const interval of superseded) throw damaged(`another log stands for "${logName(interval)}" as well`);
  for (const interval of ordered) {
    const its = owners.get(interval);
    if (its !== undefined && !isForeign(owner) && belongsTo(its, owner.storeId)) continue;
    throw damaged(`"${logName(interval)}" belongs to another store`);
  }
  return ordered.findLast(isForeignLog) ?? ordered[0] ?? newest;
}
