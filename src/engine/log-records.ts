import type { Disk, ReadableFile } from "../disk/disk.ts";
import { KvsError } from "../format/errors.ts";
import type { Interval } from "../format/header.ts";
import { hashKey } from "../format/hash.ts";
import { formatCommand } from "../format/json-command.ts";
import type { FrameRecord, StoredRecord } from "../format/record.ts";
import { Generations, isLive } from "./generations.ts";
import { HintReader } from "./hint-reader.ts";
import type { Log } from "./log.ts";
import { startOf } from "./log-start.ts";
import { explain, LogWalk, type WalkableLog } from "./log-walk.ts";
import { runToEnd } from "./slices.ts";
import { openStoreFiles } from "./store-files.ts";

/** What the view of the store keeps of its newest log in memory. */
const TAIL_BYTES: number = 64 * 1024 * 1024;

/**
 * What a record is to its key. `live`: its value; `expired`: it would be, and has
 * expired; `stale`: a newer record, or a removal, stands for the key. `unknown`
 * where the store is damaged so that it cannot be told.
 */
export type RecordState = "live" | "stale" | "expired" | "unknown";

/** One record of a log, or a part of the log that is damaged. */
export type LoggedRecord =
  | {
      /** The log's file name, as `1-6.log`. */
      readonly log: string;
      /** Where the record stands in that file, and how long it is without its frame, in bytes. */
      readonly offset: number;
      readonly bytes: number;
      readonly state: RecordState;
      /** The record as a command of a JSON log, without the line's end. */
      readonly command: string;
    }
  | {
      readonly log: string;
      readonly offset: number;
      readonly bytes: number;
      /** What is wrong with these bytes. */
      readonly damage: string;
    };

/** Every record of the log that holds a generation, or of all of them, in the order in which they were written. */
export function* readRecords(
  disk: Disk,
  directory: string,
  generation: number | undefined,
): Generator<LoggedRecord, undefined> {
  const hints = new HintReader(disk, directory);
  const generations = new Generations(disk, directory, hints, { map: false, tailBytes: TAIL_BYTES });
  try {
    const isSound = tryReload(generations);
    if (isSound) yield* readView(generations, generation);
    else yield* readFiles(disk, directory, generation);
  } finally {
    generations.close();
    hints.close();
  }
}

/** False for a store that cannot be opened as a whole. */
function tryReload(generations: Generations): boolean {
  try {
    generations.reload();
    generations.checkNewest();
    return generations.newest !== undefined;
  } catch (error) {
    if (error instanceof KvsError && error.code === "CORRUPT") return false;
    throw error;
  }
}

/** The records of a store as it is now, whatever is written meanwhile. */
function* readView(generations: Generations, generation: number | undefined): Generator<LoggedRecord> {
  const now = Date.now();
  for (const log of chosen(generations.logs, generation)) {
    const end = log === generations.newest && !log.sealed ? log.end : log.size();
    const { walkable } = runToEnd(startOf(log, log));
    const isMerged = log.header.inputs.length > 0;
    const stateOf = (record: FrameRecord): RecordState => stateIn(generations, log, record, now);
    yield* recordsOf({ file: log, name: log.name, walkable, end, isMerged }, stateOf);
  }
}

/** The same of a store that is damaged: its logs one by one. */
function* readFiles(disk: Disk, directory: string, generation: number | undefined): Generator<LoggedRecord> {
  const files = runToEnd(openStoreFiles(disk, directory));
  try {
    const current = files.logs.filter(({ isCurrent }) => isCurrent);
    for (const { name, file, size, start, first, last } of chosen(current, generation)) {
      const { fault, walkable, header } = start;
      if (fault !== undefined) {
        yield { log: name, offset: 0, bytes: walkable?.start ?? size, damage: fault };
      }
      const isMerged = header === undefined ? first !== last : header.inputs.length > 0;
      yield* recordsOf({ file, name, walkable, end: size, isMerged }, () => "unknown");
    }
  } finally {
    files.close();
  }
}

function chosen<T extends Interval>(logs: readonly T[], generation: number | undefined): readonly T[] {
  if (generation === undefined) return logs;
  const found = logs.filter(({ first, last }) => first <= generation && generation <= last);
  if (found.length > 0) return found;
  const newest = logs.at(-1)?.last;
  const range = newest === undefined ? "there is none" : `the newest one is ${newest}`;
  throw new KvsError("INVALID_ARGUMENT", `Cannot read generation ${generation}: ${range}`);
}

interface Source {
  readonly file: Pick<ReadableFile, "read">;
  readonly name: string;
  /** Undefined where nothing tells how it is to be read. */
  readonly walkable: WalkableLog | undefined;
  readonly end: number;
  readonly isMerged: boolean;
}

function* recordsOf(
  { file, name, walkable, end, isMerged }: Source,
  stateOf: (record: FrameRecord) => RecordState,
): Generator<LoggedRecord> {
  if (walkable === undefined) return;
  const { codec } = walkable;
  const walk = new LogWalk(file, walkable, end);
  for (const item of walk.items()) {
    if (item.kind === "pause") continue;
    const { position, length } = item;
    if (item.kind === "damage") {
      yield { log: name, offset: position, bytes: length, damage: explain(item) };
      continue;
    }
    const bytes = walk.view(position, length);
    const frame = codec.parseFrame(bytes, 0, position);
    if (frame.status !== "records") throw new Error("A frame that verified is one");
    for (const [index, record] of frame.records.entries()) {
      const start = record.position - position;
      const stored = codec.decodeRecord(bytes, record.position, start, start + record.length);
      if (stored === undefined) throw new Error("A record that verified is one");
      const { kind, key, value, expiresAt } = stored;
      // In a merged log a frame is no batch.
      const more = !isMerged && index < frame.records.length - 1;
      const command = formatCommand({ kind, key, value, expiresAt }, { more });
      yield { log: name, offset: record.position, bytes: record.length, state: stateOf(record), command };
    }
  }
  const { rest } = walk;
  // What breaks off at the end of a log of the original kvs is passed over.
  if (rest === undefined || (rest.breaksOff && !codec.endsInSeal)) return;
  yield { log: name, offset: rest.offset, bytes: end - rest.offset, damage: rest.reason };
}

/** What a record of this log is to its key, by the logs from the newest one down to this. */
function stateIn(generations: Generations, log: Log, record: FrameRecord, now: number): RecordState {
  const { logs, newest } = generations;
  if (newest === undefined) throw new Error("A store that has a record has a log");
  const hash = hashKey(record.key, newest.hashSeed);
  const find = (each: Log): StoredRecord | undefined =>
    each === newest ? each.lookup(record.key, hash) : each.lookupSealed(record.key, hash);
  try {
    const decisive = logs.findLast((each) => each === log || find(each) !== undefined);
    if (decisive !== log || find(log)?.position !== record.position) return "stale";
    return stateOfNewest(record, now);
  } catch (error) {
    if (error instanceof KvsError && error.code === "CORRUPT") return "unknown";
    throw error;
  }
}

function stateOfNewest(record: FrameRecord, now: number): RecordState {
  if (record.kind === "remove") return "stale";
  return isLive(record, now) ? "live" : "expired";
}
