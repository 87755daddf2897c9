import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { KEY_ARGS, keyNotFound, keyOf } from "../key-operand.ts";

export const ttl: Command = defineCommand({
  meta: { name: "ttl", description: "Print the milliseconds a key has left, or - if it never expires" },
  args: { ...KEY_ARGS },
  examples: ["kvs set token abc --ttl 10m && kvs ttl token"],
  async run({ args, data }) {
    const key = keyOf(args);
    const client = await data.open("read");
    const left = await client?.ttl(key);
    if (left === undefined) throw keyNotFound();
    data.out.write(left === null ? "-\n" : `${Math.ceil(left)}\n`);
    return DONE;
  },
});
