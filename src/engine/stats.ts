import type { LogFormat } from "../format/codec.ts";
import type { Hint } from "../format/hint.ts";
import { type Generations, isLive } from "./generations.ts";
import type { Log } from "./log.ts";
import { EVERYTHING, MergedRuns, runOf } from "./runs.ts";

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
  /** How often a log grew past `generationBytes` because there were 40 already, and merges had to come first. */
  readonly rotationsPostponed: number;
  /** The compaction that will be made in the background, by this handle's options; null for none. */
  readonly compactionDue: CompactionDue | null;
}

/** Why generations will be merged, and how many. */
export interface CompactionDue {
  readonly rule: "garbage" | "count";
  readonly generations: number;
}

/** Counts by visiting every key: exact, and as long as a scan. */
export function computeStats(
  directory: string,
  generations: Generations,
  hint: Hint | undefined,
  now: number,
): Omit<StoreStats, "compactionDue" | "rotationsPostponed"> {
  generations.loadAll();
  const { logs, newest } = generations;
  const liveBytes = new Map<Log, number>();
  let keys = 0;
  const runs = new MergedRuns(
    logs.map((log) => runOf(log, EVERYTHING)),
    { reverse: false },
  );
  for (let found = runs.next(); found !== undefined; found = runs.next()) {
    const { log, record } = found;
    if (!isLive(record, now)) continue;
    keys += 1;
    liveBytes.set(log, (liveBytes.get(log) ?? 0) + record.length);
  }
  const perLog = logs.map((log) =>
    describe(log, liveBytes.get(log) ?? 0, { sealed: log !== newest || log.sealed }),
  );
  return {
    directory,
    format: newest?.codec.format ?? "binary",
    generations: perLog,
    keys,
    diskBytes: sum(perLog, "bytes"),
    liveBytes: sum(perLog, "liveBytes"),
    staleBytes: sum(perLog, "staleBytes"),
    tornTailsCut: hint?.tornTailsCut ?? 0,
    tornTailBytes: newest === undefined || newest.sealed ? 0 : Math.max(0, newest.size() - newest.end),
  };
}

function describe(log: Log, liveBytes: number, { sealed }: { readonly sealed: boolean }): GenerationStats {
  const { name, first, last, codec, summary } = log;
  const { records, recordBytes } = summary ?? { records: log.tally.records, recordBytes: log.recordBytes };
  return {
    name,
    first,
    last,
    sealed,
    format: codec.format,
    bytes: log.size(),
    records,
    liveBytes,
    staleBytes: recordBytes - liveBytes,
  };
}

function sum(rows: readonly GenerationStats[], field: "bytes" | "liveBytes" | "staleBytes"): number {
  return rows.reduce((total, row) => total + row[field], 0);
}
