/** Merging is due for so many neighbours of similar size. */
const SIMILAR_NEIGHBOURS = 4;

/** Logs filled to one size differ by what the last write added: one that is so many times larger is similar still. */
const SIMILAR_RATIO = 1.5;

/** However their sizes are, a store that has been compacted has at most so many sealed generations. */
const MOST_SEALED = 8;

/** What is known of a store's sealed generations. Sizes are in bytes. */
export interface SealedSizes {
  /** Size of each log, oldest first. */
  readonly logs: readonly number[];
  /** Records that hold a key's value, and all others. */
  readonly liveBytes: number;
  readonly staleBytes: number;
  /** True where all of it must be merged for reasons of its own. */
  readonly mustMergeAll: boolean;
}

/** When stale bytes are worth a compaction. */
export interface CompactionRules {
  /** They are more than this, in bytes, ... */
  readonly compactionThreshold: number;
  /** ... and more than this part of the live bytes. */
  readonly compactionRatio: number;
}

/** Neighbours to merge: from the first to the one before the last index. */
export interface MergePlan {
  readonly rule: "garbage" | "count";
  readonly from: number;
  readonly to: number;
}

/** What should be merged now; undefined if nothing. */
export function planMerge(sizes: SealedSizes, rules: CompactionRules): MergePlan | undefined {
  const { logs, liveBytes, staleBytes, mustMergeAll } = sizes;
  if (logs.length === 0) return undefined;
  const isWorthIt = staleBytes > rules.compactionThreshold && staleBytes > rules.compactionRatio * liveBytes;
  if (mustMergeAll || isWorthIt) return { rule: "garbage", from: 0, to: logs.length };
  const from = firstOfSimilar(logs);
  if (logs.length - from >= SIMILAR_NEIGHBOURS) return { rule: "count", from, to: logs.length };
  return logs.length > MOST_SEALED ? cheapest(logs, logs.length - MOST_SEALED + 1) : undefined;
}

/**
 * Where the newest run of similar logs starts: each is hardly larger than all
 * newer ones of the run together. A record is so rewritten about once for every
 * fourfold growth of the store, and sizes grow from new to old.
 */
function firstOfSimilar(logs: readonly number[]): number {
  let first = logs.length - 1;
  let bytes = logs[first] ?? 0;
  for (; first > 0; first -= 1) {
    const next = logs[first - 1] ?? 0;
    if (next > bytes * SIMILAR_RATIO) break;
    bytes += next;
  }
  return first;
}

/** Of all runs of so many neighbours the one with the fewest bytes. */
function cheapest(logs: readonly number[], count: number): MergePlan {
  let best = 0;
  let fewest = Number.POSITIVE_INFINITY;
  for (let from = 0; from + count <= logs.length; from += 1) {
    const bytes = logs.slice(from, from + count).reduce((sum, size) => sum + size, 0);
    if (bytes >= fewest) continue;
    fewest = bytes;
    best = from;
  }
  return { rule: "count", from: best, to: best + count };
}
