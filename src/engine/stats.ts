import type { LogFormat } from "../format/codec.ts";
import type { Hint } from "../format/hint.ts";
import type { EncodedKey } from "../format/key.ts";
import { type Generations, isLive } from "./generations.ts";
import type { Log } from "./log.ts";

/** One generation of a store. Sizes are in bytes. */
export interface GenerationStats {
  /** The log's file name, as `1-6.log`. */
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly sealed: boolean;
  readonly format: LogFormat;
  /** Size of the log. */
  readonly bytes: number;
  readonly records: number;
  /** Records that are their key's newest and hold a value that has not expired. */
  readonly liveBytes: number;
  /** All other records: what compaction can drop, or will once it reaches the oldest generation. */
  readonly staleBytes: number;
}

/** What a store holds, exactly, at the time of the call. Sizes are in bytes. */
export interface StoreStats {
  readonly directory: string;
  /** The format that is written now: that of the newest log. */
  readonly format: LogFormat;
  /** Oldest first. */
  readonly generations: readonly GenerationStats[];
  /** Keys that have a value. */
  readonly keys: number;
  /** Size of all logs. */
  readonly diskBytes: number;
  readonly liveBytes: number;
  readonly staleBytes: number;
  /** Unfinished ends of logs that writers have cut off since the store, or its LOCK, was created. */
  readonly tornTailsCut: number;
  /** Size of such an end that the next writer will cut off. */
  readonly tornTailBytes: number;
}

/** Counts by visiting every record's index entry, newest generation first. */
export function computeStats(
  directory: string,
  generations: Generations,
  hint: Hint | undefined,
  now: number,
): StoreStats {
  generations.checkNewest();
  const { newest } = generations;
  const seen = new Set<EncodedKey>();
  let keys = 0;
  const perLog = generations.logs.toReversed().map((log) => {
    if (log !== newest) log.loadSealed();
    const live = countLive(log, seen, now);
    keys += live.keys;
    return describe(log, live.bytes);
  });
  return {
    directory,
    format: newest?.codec.format ?? "binary",
    generations: perLog.toReversed(),
    keys,
    diskBytes: sum(perLog, "bytes"),
    liveBytes: sum(perLog, "liveBytes"),
    staleBytes: sum(perLog, "staleBytes"),
    tornTailsCut: hint?.tornTailsCut ?? 0,
    tornTailBytes: newest === undefined || newest.sealed ? 0 : Math.max(0, newest.size() - newest.end),
  };
}

function countLive(
  log: Log,
  seen: Set<EncodedKey>,
  now: number,
): { readonly keys: number; readonly bytes: number } {
  let keys = 0;
  let bytes = 0;
  for (const [key, ref] of log.index) {
    if (seen.has(key)) continue;
    seen.add(key);
    if (!isLive(ref, now)) continue;
    keys += 1;
    bytes += ref.length;
  }
  return { keys, bytes };
}

function describe(log: Log, liveBytes: number): GenerationStats {
  const { name, first, last, sealed } = log;
  const staleBytes = log.recordBytes - liveBytes;
  const { records } = log.tally;
  return {
    name,
    first,
    last,
    sealed,
    format: log.codec.format,
    bytes: log.size(),
    records,
    liveBytes,
    staleBytes,
  };
}

function sum(rows: readonly GenerationStats[], field: "bytes" | "liveBytes" | "staleBytes"): number {
  return rows.reduce((total, row) => total + row[field], 0);
}
