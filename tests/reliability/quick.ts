import { expect } from "bun:test";
import type { Campaign } from "./campaign.ts";

/** Another one every time, unless it is given: what fails once can be had again. */
const SEED = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Runs a campaign for so many cases; a failure names the seed that brings it back. */
export async function expectSound(campaign: Campaign, cases: number): Promise<void> {
  let tried = 0;
  let seed = campaign.runs === undefined ? SEED : 0;
  for (; tried < cases && seed < (campaign.runs ?? Number.POSITIVE_INFINITY); seed += 1) {
    const outcome = await campaign.run(seed);
    tried += outcome.cases;
    const failures = outcome.failures
      .slice(0, 3)
      .map((failure) => `${campaign.name}, seed ${seed}: ${failure}`);
    expect(failures).toEqual([]);
  }
  console.log(`${campaign.name}: ${tried} ${campaign.unit}, seeds up to ${seed - 1}`);
}
