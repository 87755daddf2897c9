import type { IndexSummary } from "../format/index-file.ts";
import type { Log } from "./log.ts";

/** What the indexes of sealed logs say all together; undefined where one of them is missing. Sizes in bytes. */
export function sumUp(
  logs: readonly Log[],
  now: number,
): { readonly liveBytes: number; readonly staleBytes: number } | undefined {
  let allBytes = 0;
  let liveBytes = 0;
  for (const { summary } of logs) {
    if (summary === undefined) return undefined;
    allBytes += summary.recordBytes;
    liveBytes += summary.liveBytes - summary.shadowedBytes - expiredBytes(summary, now);
  }
  return { liveBytes, staleBytes: allBytes - liveBytes };
}

/** Where everything that expires has, it is stale; of parts an index knows nothing. */
function expiredBytes({ expiringBytes, lastExpiry }: IndexSummary, now: number): number {
  return lastExpiry <= now ? expiringBytes : 0;
}
