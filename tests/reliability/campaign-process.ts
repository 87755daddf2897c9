/** Runs one campaign in a process of its own: is told seeds, and tells what came of each. */
import type { Outcome } from "./campaign.ts";
import { campaigns } from "./campaigns.ts";

const [, , name] = process.argv;
const campaign = campaigns.find((one) => one.name === name);
if (campaign === undefined) throw new Error(`There is no campaign "${name}"`);

process.on("message", (seed: number) => {
  void campaign
    .run(seed)
    .catch((error: unknown): Outcome => {
      const what = error instanceof Error ? error.stack : String(error);
      return { cases: 0, failures: [`the campaign itself failed: ${what}`] };
    })
    .then((outcome) => process.send?.(outcome));
});
