import type { Loss } from "../../engine/repair-plan.ts";
import { repairStore } from "../../engine/tools.ts";
import { refuseInside } from "../apart.ts";
import { type Command, defineCommand } from "../command.ts";
import { describeDamage } from "../describe-damage.ts";
import { DONE } from "../exit-codes.ts";
import { UsageError } from "../failures.ts";
import { makeIndexes } from "../make-indexes.ts";
import { countOf, formatBytes } from "../numbers.ts";
import { runTool } from "../run-tool.ts";

export const repair: Command = defineCommand({
  meta: {
    name: "repair",
    description: "Write all that is whole in a damaged store into a new one, and list what was lost",
  },
  args: {
    to: {
      type: "string",
      valueHint: "DIR",
      needed: true,
      description: "Directory of the new store, absent or empty, outside the old one",
    },
  },
  examples: ["kvs set greeting hello && kvs repair --to ./repaired"],
  async run({ args, data }) {
    const { to } = args;
    const { location } = data.settings;
    if (to === undefined || to === "") throw new UsageError("Cannot repair: --to DIR is missing");
    data.typedPaths.push(to);
    refuseInside(data.directory, to, "repair");
    const result = await runTool("Repairing", data.settings, async (options) =>
      repairStore(data.directory, to, options),
    );
    makeIndexes(to, data.settings);
    const { lost, lostCount, tornTails, records, logs, bytes } = result;
    for (const loss of lost) data.out.write(`${describeLoss(loss, location)}\n`);
    if (lostCount > lost.length)
      data.out.write(`lost: in ${countOf(lostCount - lost.length, "more place")}\n`);
    for (const found of tornTails)
      data.out.write(`${describeDamage("cut off, as unfinished", found, location)}\n`);
    const written = `Wrote ${countOf(records, "record")} in ${countOf(logs, "log")}, ${formatBytes(bytes)}, to "${to}"`;
    const warning =
      lostCount === 0
        ? "Nothing was lost"
        : "What was lost may have been newer: keys may be back that had been removed, or have older values";
    await data.inform(`${written}. ${warning}`);
    return DONE;
  },
});

function describeLoss(loss: Loss, location: string): string {
  const keys = loss.keys.map((key) =>
    typeof key === "string" ? JSON.stringify(key) : `hex ${Buffer.from(key).toString("hex")}`,
  );
  return `${describeDamage("lost", loss, location)}${keys.length === 0 ? "" : `; keys: ${keys.join(" ")}`}`;
}
