/**
 * The first seeds of those campaigns that break the engine in its own thread:
 * other tests run them in processes of their own, with other seeds every time.
 * Run by `bun tests/coverage/main.ts` alone, since `npm test` has longer ones.
 */
import { expect, test } from "bun:test";
import { pauses } from "../model/pauses.ts";
import type { Campaign } from "../reliability/campaign.ts";
import { cuts } from "../reliability/cuts.ts";
import { errors } from "../reliability/errors.ts";
import { fuzzArchives } from "../reliability/fuzz/archives.ts";
import { fuzzIndexes, fuzzLock, fuzzLogs } from "../reliability/fuzz/stores.ts";
import { powerCut } from "../reliability/power-cut.ts";
import { tails } from "../reliability/tails.ts";

const MINUTE_MS = 60_000;

/** How many runs of each: more cover no more. */
const CAMPAIGNS: readonly (readonly [Campaign, number])[] = [
  [tails, 6],
  [fuzzArchives, 30],
  [fuzzIndexes, 5],
  [fuzzLock, 3],
  [fuzzLogs, 30],
  [errors, 4],
  [powerCut, 1],
  [pauses, 1],
  [cuts, 1],
];

for (const [campaign, runs] of CAMPAIGNS) {
  for (let seed = 0; seed < runs; seed += 1) {
    test(
      `${campaign.name}, seed ${seed}`,
      async () => expect((await campaign.run(seed)).failures).toEqual([]),
      5 * MINUTE_MS,
    );
  }
}
