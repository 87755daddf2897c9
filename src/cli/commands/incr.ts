import { type Command, defineCommand } from "../command.ts";
import { DONE, NO } from "../exit-codes.ts";
import { Failure, UsageError } from "../failures.ts";
import { KEY_ARGS, keyOf } from "../key-operand.ts";

export const incr: Command = defineCommand({
  meta: { name: "incr", description: "Add to a number and print the new one; a missing key counts from 0" },
  fast: true,
  args: {
    ...KEY_ARGS,
    by: {
      type: "positional",
      required: false,
      description: "What to add: a decimal integer, 1 if not given",
    },
  },
  examples: ["kvs incr visits", "kvs incr visits -5"],
  async run({ args, data }) {
    const key = keyOf(args);
    const by = parseInteger(args.by ?? "1");
    const client = await data.create();
    data.out.write(`${await client.increment(key, by)}\n`);
    return DONE;
  },
});

/** Parses what is to be added to a number. */
export function parseInteger(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new UsageError(`BY is "${text}", expected a decimal integer`);
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw new Failure(NO, `Cannot add ${text}: it is past 2^53-1`);
}
