import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { VALUE_ARGS, readValue } from "../input.ts";
import { KEY_ARGS, keyOf } from "../key-operand.ts";

export const append: Command = defineCommand({
  meta: { name: "append", description: "Add to the end of a value; a missing key starts empty" },
  fast: true,
  args: { ...KEY_ARGS, ...VALUE_ARGS },
  examples: ['kvs append journal "started " && kvs get -n journal'],
  async run({ args, data }) {
    const key = keyOf(args);
    const value = readValue(args, data.literal);
    const client = await data.create();
    await client.append(key, value);
    return DONE;
  },
});
