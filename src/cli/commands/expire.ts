import { type Command, defineCommand } from "../command.ts";
import { parseTtl } from "../duration.ts";
import { DONE } from "../exit-codes.ts";
import { KEY_ARGS, keyNotFound, keyOf } from "../key-operand.ts";

export const expire: Command = defineCommand({
  meta: { name: "expire", description: "Let a key expire after a duration" },
  args: {
    ...KEY_ARGS,
    duration: { type: "positional", description: "Time from now, such as 500ms, 10s, 5m, 2h or 7d" },
  },
  examples: ["kvs set token abc && kvs expire token 10m"],
  async run({ args, data }) {
    const key = keyOf(args);
    const ttlMs = parseTtl(args.duration, "DURATION");
    const client = await data.open("change");
    if ((await client?.expire(key, ttlMs)) !== true) throw keyNotFound();
    return DONE;
  },
});
