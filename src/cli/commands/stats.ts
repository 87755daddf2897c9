import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { renderStats } from "../render-stats.ts";
import { STDOUT, hasColor, isTerminal } from "../terminal.ts";

export const stats: Command = defineCommand({
  meta: { name: "stats", description: "Show generations, keys, live and stale bytes" },
  args: { json: { type: "boolean", description: "Print one JSON object" } },
  examples: ["kvs set greeting hello && kvs stats"],
  async run({ args, data }) {
    const client = await data.openExisting("read");
    const found = await client.stats();
    if (args.json === true) {
      data.out.write(`${JSON.stringify(found)}\n`);
      return DONE;
    }
    const bars = await isTerminal(STDOUT);
    const color = await hasColor(STDOUT, data.settings);
    data.out.write(renderStats(found, { bars, color }));
    return DONE;
  },
});
