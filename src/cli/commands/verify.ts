import type { VerifyReport } from "../../engine/verify.ts";
import { type Command, defineCommand } from "../command.ts";
import { DONE, NO } from "../exit-codes.ts";

export const verify: Command = defineCommand({
  meta: {
    name: "verify",
    description: "Read every checksum of every file; exit 1 and a list if one is wrong",
  },
  args: { json: { type: "boolean", description: "Print one JSON object" } },
  examples: ["kvs set greeting hello && kvs verify"],
  async run({ args, data }) {
    const report = await data.verify();
    data.out.write(args.json === true ? `${JSON.stringify(report)}\n` : describe(report));
    return report.damage.length === 0 ? DONE : NO;
  },
});

/** A line for each damaged place, and for what is odd; the last one sums it up. */
function describe({ damage, strangers, tornTailBytes, logs, indexes }: VerifyReport): string {
  const lines = [
    ...damage.map(({ reason }) => `damage: ${reason}`),
    ...strangers.map((name) => `not of the store: ${JSON.stringify(name)}`),
  ];
  if (tornTailBytes > 0) lines.push(`torn tail: ${tornTailBytes} bytes, which the next write cuts off`);
  const verdict = damage.length === 0 ? "sound" : `damaged in ${damage.length} places`;
  return [...lines, `${verdict}: ${logs} logs, ${indexes} indexes`, ""].join("\n");
}
