import { expect } from "bun:test";
import { availableParallelism } from "node:os";
import type { Campaign, Outcome } from "./campaign.ts";
import { campaigns } from "./campaigns.ts";
import { Pool } from "./pool.ts";

/** Another one every time, unless it is given: what fails once can be had again. */
const SEED = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** More are of no use to campaigns that take seconds. */
const MOST_PROCESSES = 4;

/**
 * Runs a campaign for so many cases, in several processes at once if it is a
 * listed one; a failure names the seed that brings it back.
 */
export async function expectSound(
  campaign: Campaign,
  cases: number,
  { processes = Math.min(MOST_PROCESSES, availableParallelism()) }: { readonly processes?: number } = {},
): Promise<void> {
  let tried = 0;
  let seed = campaign.runs === undefined ? SEED : 0;
  const found: string[] = [];
  const next = (): number | undefined => {
    const isOver = tried >= cases || found.length > 0 || seed >= (campaign.runs ?? Number.POSITIVE_INFINITY);
    return isOver ? undefined : seed++;
  };
  const note = (tested: number, outcome: Outcome): void => {
    tried += outcome.cases;
    const failures = outcome.failures.slice(0, 3);
    found.push(...failures.map((failure) => `${campaign.name}, seed ${tested}: ${failure}`));
  };
  if (processes > 1 && campaigns.includes(campaign)) {
    using pool = new Pool(campaign, processes);
    await pool.run(next, note);
  } else {
    for (let tested = next(); tested !== undefined; tested = next()) note(tested, await campaign.run(tested));
  }
  expect(found).toEqual([]);
  console.log(`${campaign.name}: ${tried} ${campaign.unit}, seeds up to ${seed - 1}`);
}
