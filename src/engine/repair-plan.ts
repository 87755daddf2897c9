import { logName } from "../disk/file-names.ts";
import { isForeign } from "../format/foreign-store.ts";
import type { Interval } from "../format/header.ts";
import type { Damage, Findings } from "./findings.ts";
import { LogWalk } from "./log-walk.ts";
import type { OpenLog, StoreFiles } from "./store-files.ts";
import { tile } from "./tiling.ts";

/** What could not be salvaged. */
export interface Loss extends Damage {
  /** Whose records were lost there, as far as that can be told, the first 1,000; that of a damaged record is a guess. */
  readonly keys: ReadonlyArray<string | Uint8Array>;
}

/** A log of the new store, and what it is made from, oldest first; nothing where all was lost. */
export interface PlannedLog extends Interval {
  readonly sources: readonly OpenLog[];
}

/**
 * Chooses the logs that hold the store. Their intervals follow one another from 1
 * on: where a log is missing there is an empty one, and where two overlap the
 * older one keeps the numbers.
 */
export function* planRepair(files: StoreFiles, lost: Findings<Loss>): Generator<void, PlannedLog[]> {
  for (const { name, reason } of files.unusable) lose(name, reason);
  for (const log of files.logs) if (log.isStranger) lose(log.name, "it belongs to another store", log.size);
  const candidates = distinct(files.logs.filter((log) => !log.isStranger));
  const { current, superseded } = tile(candidates);
  const planned: PlannedLog[] = [];
  let covered = 0;
  for (const candidate of current) {
    const { log, first, last } = candidate;
    if (first > covered + 1) {
      const gap = { first: covered + 1, last: first - 1 };
      if (!isForeignLog(log)) lose(logName(gap), "it is missing");
      planned.push({ ...gap, sources: [] });
    }
    const inside = superseded.filter((other) => first <= other.first && other.last <= last);
    const sources = (yield* isReplaceable(log, inside)) ? [...inside.map((other) => other.log), log] : [log];
    planned.push({ first: covered < first ? first : covered + 1, last, sources });
    covered = last;
  }
  const newest = files.hint?.generation ?? 0;
  if (newest > covered) lose(logName({ first: covered + 1, last: newest }), "it is missing");
  return planned;

  function lose(file: string, reason: string, bytes = 0): void {
    lost.add({ file, offset: 0, bytes, reason, keys: [] });
  }
}

interface Candidate extends Interval {
  readonly log: OpenLog;
}

/** A log is the one that its header says, whatever its name became; one that is there twice counts once. */
function distinct(logs: readonly OpenLog[]): Candidate[] {
  const known = new Set<string>();
  // Those first whose header and name agree.
  const ordered = logs.toSorted(
    (a, b) => Number(a.start.fault !== undefined) - Number(b.start.fault !== undefined),
  );
  return ordered.flatMap((log) => {
    const { header } = log.start;
    const { first, last } = header ?? log;
    if (header === undefined || isForeign(header)) return [{ log, first, last }];
    if (known.has(header.logId)) return [];
    known.add(header.logId);
    return [{ log, first, last }];
  });
}

/**
 * Whether what a log was merged from should be used beside it: if it is damaged,
 * and all of that is still there. A part of it could bring back what was removed.
 */
function* isReplaceable(log: OpenLog, inside: readonly Candidate[]): Generator<void, boolean> {
  if (inside.length === 0 || (yield* recordsIfSound(log)) !== undefined) return false;
  const inputs = log.start.header?.inputs ?? [];
  const there = new Set(inside.map((other) => other.log.start.header?.logId));
  if (inputs.length > 0) return inputs.every((input) => there.has(input));
  const { problem, current } = tile(
    inside.map(({ first, last }) => ({ first: first - log.first + 1, last: last - log.first + 1 })),
  );
  return problem === undefined && current.at(-1)?.last === log.last - log.first + 1;
}

/** How many records a log holds, if every byte of it is as it was written, from its header to its seal. */
export function* recordsIfSound({ file, size, start }: OpenLog): Generator<void, number | undefined> {
  const { fault, walkable } = start;
  if (fault !== undefined || walkable === undefined) return undefined;
  const walk = new LogWalk(file, walkable, size);
  for (const item of walk.items()) {
    if (item.kind === "damage") return undefined;
    yield;
  }
  return walk.sealed && walk.rest === undefined ? walk.tally.records : undefined;
}

function isForeignLog({ start }: OpenLog): boolean {
  return start.header !== undefined && isForeign(start.header);
}
