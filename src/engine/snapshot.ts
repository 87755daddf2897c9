import { logName } from "../disk/file-names.ts";
import type { Interval } from "../format/header.ts";
import { encodeLogHeader } from "../format/log-header.ts";
import type { Generations } from "./generations.ts";
import { newAdoptingStoreId, newLogId } from "./identifiers.ts";
import type { Log } from "./log.ts";
import { generationAfter } from "./new-log.ts";

const CHUNK_BYTES: number = 1024 * 1024;

/** A log as it is in a snapshot: bytes that do not change any more. */
export interface SnapshotLog extends Interval {
  readonly name: string;
  readonly bytes: number;
  /** When it was written to last, in milliseconds since 1970. */
  readonly modified: number;
  /** Where the whole file is found; undefined for what is only a part of one, or may still be written to. */
  readonly linkFrom: string | undefined;
  /** All its bytes, in pieces. */
  chunks(): Generator<Buffer>;
}

/** The logs that hold a store at one moment, oldest first. They stay readable, whatever becomes of their names. */
export interface Snapshot {
  readonly logs: readonly SnapshotLog[];
  readonly bytes: number;
  /** The log without which the others are not taken for a store. */
  readonly decisive: SnapshotLog;
  release(): void;
}

/** Takes the logs of a view that is up to date; undefined where there is none. */
export function snapshotOf(generations: Generations): Snapshot | undefined {
  generations.checkNewest();
  const held = [...generations.logs];
  const [newest] = held.slice(-1);
  if (newest === undefined) return undefined;
  // Nothing stands in it yet: what is sealed below is the whole store, unless this log alone says whose that is.
  const isEmpty = !newest.sealed && newest.end === newest.headerBytes;
  if (isEmpty && held.at(-2)?.isForeign === false) held.pop();
  for (const log of held) log.retain();
  const logs = held.map((log) => (log.isForeign ? foreignLog(log) : ownLog(log, log === newest)));
  // Logs of the original alone may be any number; one of ours behind them says which there must be.
  if (newest.isForeign) logs.push(successorOf(newest));
  const newestForeign = held.findLastIndex((log) => log.isForeign);
  const decisive = logs[Math.max(0, newestForeign)];
  if (decisive === undefined) throw new Error("A store has a log");
  const bytes = logs.reduce((sum, log) => sum + log.bytes, 0);
  return { logs, bytes, decisive, release: () => held.forEach((log) => log.release()) };
}

function ownLog(log: Log, isNewest: boolean): SnapshotLog {
  const isWhole = !isNewest || log.sealed;
  return part(log, isWhole ? log.size() : log.end, isWhole ? log.path : undefined);
}

/** The original may be writing to it: it is copied, as far as it goes now. */
function foreignLog(log: Log): SnapshotLog {
  return part(log, log.size(), undefined);
}

function part(log: Log, bytes: number, linkFrom: string | undefined): SnapshotLog {
  const { first, last, name } = log;
  const { modified } = log.stamp();
  return { first, last, name, bytes, modified, linkFrom, chunks: () => chunksOf(log, bytes) };
}

function* chunksOf(log: Log, bytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes; at += CHUNK_BYTES) {
    const wanted = Math.min(CHUNK_BYTES, bytes - at);
    const chunk = log.read(at, wanted);
    if (chunk.length < wanted)
      throw log.damage({ offset: at + chunk.length, reason: "the file was cut off" });
    yield chunk;
  }
}

/** The empty log that the first writer would put behind the newest of the original. */
function successorOf(newest: Log): SnapshotLog {
  const number = generationAfter(newest);
  const interval = { first: number, last: number };
  const storeId = newAdoptingStoreId(number);
  const content = encodeLogHeader("json", { ...interval, storeId, logId: newLogId(), inputs: [] });
  const { modified } = newest.stamp();
  const chunks = function* (): Generator<Buffer> {
    yield content;
  };
  return {
    ...interval,
    name: logName(interval),
    bytes: content.length,
    modified,
    linkFrom: undefined,
    chunks,
  };
}
