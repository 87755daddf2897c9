import { verifyStore } from "../../engine/tools.ts";
import type { VerifyReport } from "../../engine/verify.ts";
import { type Command, defineCommand } from "../command.ts";
import { describeDamage } from "../describe-damage.ts";
import { DONE, NO } from "../exit-codes.ts";
import { countOf } from "../numbers.ts";
import { runTool } from "../run-tool.ts";

export const verify: Command = defineCommand({
  meta: {
    name: "verify",
    description: "Read every checksum of every file; exit 1 and a list if one is wrong",
  },
  args: { json: { type: "boolean", description: "Print one JSON object" } },
  examples: ["kvs set greeting hello && kvs verify"],
  async run({ args, data }) {
    const report = await runTool("Verifying", data.settings, async (options) =>
      verifyStore(data.directory, options),
    );
    data.out.write(
      args.json === true ? `${JSON.stringify(report)}\n` : describe(report, data.settings.location),
    );
    return report.damageCount === 0 ? DONE : NO;
  },
});

/** A line for each damaged place, and for what is odd; the last one sums it up. */
function describe(report: VerifyReport, location: string): string {
  const { damage, damageCount, tornTails, unfinished, strangers, logs, indexes, records } = report;
  const unlisted = damageCount - damage.length;
  const lines = [
    ...damage.map((found) => describeDamage("damage", found, location)),
    ...(unlisted > 0 ? [`damage: in ${countOf(unlisted, "more place")}`] : []),
    ...tornTails.map(
      (found) => `${describeDamage("torn tail", found, location)}; the next write cuts it off`,
    ),
    ...unfinished.map((name) => `unfinished: ${name}`),
    ...strangers.map((name) => `not of the store: ${JSON.stringify(name)}`),
  ];
  const verdict = damageCount === 0 ? "sound" : `damaged in ${countOf(damageCount, "place")}`;
  const counted = [
    countOf(logs, "log"),
    `${indexes} ${indexes === 1 ? "index" : "indexes"}`,
    countOf(records, "record"),
  ];
  return [...lines, `${verdict}: ${counted.join(", ")}`, ""].join("\n");
}
