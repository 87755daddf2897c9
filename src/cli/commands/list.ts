import type { ScanOptions } from "../../engine/options.ts";
import { refuseTogether } from "../argv.ts";
import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { UsageError } from "../failures.ts";
import { type Part, printRecords } from "../print-records.ts";

export const list: Command = defineCommand({
  meta: { name: "list", description: "Print keys and values in the order of their bytes, a record a line" },
  args: {
    prefix: { type: "string", valueHint: "P", description: "Only keys that start with P" },
    from: { type: "string", valueHint: "KEY", description: "Only this key and those after it" },
    to: { type: "string", valueHint: "KEY", description: "Only keys before this one" },
    reverse: { type: "boolean", description: "Last key first" },
    limit: { type: "string", valueHint: "N", description: "Stop after N records" },
    keys: { type: "boolean", description: "Print keys only" },
    values: { type: "boolean", description: "Print values only" },
    null: {
      type: "boolean",
      alias: "0",
      description: "End each key and each value with a NUL byte, escape nothing",
    },
    json: { type: "boolean", description: "Print JSON Lines" },
  },
  examples: ["kvs set user/ann 42 && kvs list --prefix user/ --limit 10", "kvs list --json"],
  async run({ args, data }) {
    refuseTogether(args, "keys", "values");
    refuseTogether(args, "null", "json");
    const range = scanOptions(args);
    const part: Part = args.keys === true ? "keys" : args.values === true ? "values" : "both";
    const style = args.json === true ? "json" : args.null === true ? "null" : "lines";
    const client = await data.open("read");
    if (client !== undefined) await printRecords(client, range, { out: data.out, part, style });
    return DONE;
  },
});

function scanOptions(args: {
  readonly prefix: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly reverse: boolean | undefined;
  readonly limit: string | undefined;
}): ScanOptions {
  return {
    ...(args.prefix === undefined ? {} : { prefix: args.prefix }),
    ...(args.from === undefined ? {} : { from: args.from }),
    ...(args.to === undefined ? {} : { to: args.to }),
    ...(args.reverse === true ? { reverse: true } : {}),
    ...(args.limit === undefined ? {} : { limit: parseLimit(args.limit) }),
  };
}

/** Parses how many records are wanted. */
export function parseLimit(text: string): number {
  const limit = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(limit)) return limit;
  throw new UsageError(`--limit is "${text}", expected a whole number`);
}
