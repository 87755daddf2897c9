import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";

export const count: Command = defineCommand({
  meta: { name: "count", description: "Print how many keys there are" },
  args: { prefix: { type: "string", valueHint: "P", description: "Count only keys that start with P" } },
  examples: ["kvs set session/1 ann && kvs count --prefix session/"],
  async run({ args, data }) {
    const { prefix } = args;
    const client = await data.open("read");
    const found = await client?.count(prefix === undefined ? {} : { prefix });
    data.out.write(`${found ?? 0}\n`);
    return DONE;
  },
});
