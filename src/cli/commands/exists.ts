import { type Command, defineCommand } from "../command.ts";
import { DONE, NO } from "../exit-codes.ts";
import { KEY_ARGS, keyOf } from "../key-operand.ts";

export const exists: Command = defineCommand({
  meta: { name: "exists", description: "Say by the exit code whether a key has a value: 0 yes, 1 no" },
  fast: true,
  args: { ...KEY_ARGS },
  examples: ["kvs exists greeting || kvs set greeting hello"],
  async run({ args, data }) {
    const key = keyOf(args);
    const found = await data.open("read")?.has(key);
    return found === true ? DONE : NO;
  },
});
