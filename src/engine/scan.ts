import { hasBug } from "../format/seeded-bugs.ts";
import { type Generations, isLive } from "./generations.ts";
import { type KeyRange, MergedRuns, type Newest, runOf } from "./runs.ts";

export interface Scan {
  readonly range: KeyRange;
  readonly reverse: boolean;
  readonly limit: number;
  /** The time that decides which keys have expired, in absolute milliseconds. */
  readonly now: number;
}

/**
 * Visits the live keys of a range in bytewise order. What is visited is the
 * store as it is at the first step: the logs are held open, and what is added to
 * the one that is written to is not in the order that was asked for.
 */
export function* scan(generations: Generations, { range, reverse, limit, now }: Scan): Generator<Newest> {
  if (limit === 0) return;
  generations.loadAll();
  const { logs } = generations;
  const held = hasBug("let the files of a scan go") ? [] : logs;
  for (const log of held) log.retain();
  try {
    let left = limit;
    const runs = new MergedRuns(
      logs.map((log) => runOf(log, range)),
      { reverse },
    );
    for (let newest = runs.next(); newest !== undefined; newest = runs.next()) {
      if (!isLive(newest.record, now)) continue;
      yield newest;
      left -= 1;
      if (left === 0) return;
    }
  } finally {
    for (const log of held) log.release();
  }
}
