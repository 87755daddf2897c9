import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { KEY_ARGS, keyNotFound, keyOf } from "../key-operand.ts";

export const persist: Command = defineCommand({
  meta: { name: "persist", description: "Let a key never expire" },
  args: { ...KEY_ARGS },
  examples: ["kvs set token abc --ttl 10m && kvs persist token"],
  async run({ args, data }) {
    const key = keyOf(args);
    const client = await data.open("change");
    if ((await client?.persist(key)) !== true) throw keyNotFound();
    return DONE;
  },
});
