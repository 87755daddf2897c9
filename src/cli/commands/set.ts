import { writeBriefly } from "../../engine/brief-write.ts";
import type { Key, SetOptions, Value } from "../../engine/options.ts";
import { refuseTogether } from "../argv.ts";
import { type Command, defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { parseTtl } from "../duration.ts";
import { DONE, NO } from "../exit-codes.ts";
import { Failure } from "../failures.ts";
import { VALUE_ARGS, readValue } from "../input.ts";
import { KEY_ARGS, keyOf } from "../key-operand.ts";

export const set: Command = defineCommand({
  meta: { name: "set", description: "Store a value under a key" },
  fast: true,
  args: {
    ...KEY_ARGS,
    ...VALUE_ARGS,
    ttl: {
      type: "string",
      valueHint: "DURATION",
      description: "Let the key expire after this long, such as 10m",
    },
    "if-absent": { type: "boolean", description: "Store only if the key has no value, else exit 1" },
    "if-equals": {
      type: "string",
      valueHint: "V",
      description: "Store only if the key's value is V, else exit 1",
    },
  },
  examples: [
    "kvs set greeting hello",
    "date | kvs set now -",
    'kvs set note -- "$HOME"',
    "kvs set lock $$ --if-absent --ttl 10m",
  ],
  async run({ args, data }) {
    refuseTogether(args, "if-absent", "if-equals");
    const key = keyOf(args);
    const options = setOptions(args);
    const value = readValue(args, data.literal);
    if (isUnconditional(options) && writeByShortWay(data, key, value, options)) return DONE;
    const client = await data.create();
    if (await client.set(key, value, options)) return DONE;
    throw new Failure(
      NO,
      args["if-absent"] === true ? "Key exists" : "Value is another one, or the key is missing",
    );
  },
});

function isUnconditional({ ifAbsent, ifEquals }: SetOptions): boolean {
  return ifAbsent !== true && ifEquals === undefined;
}

/** Stores the value without opening the store, if that can be; with settings of their own, handles know what to do. */
function writeByShortWay(
  { directory, settings }: Context,
  key: Key,
  value: Value,
  { ttlMs }: SetOptions,
): boolean {
  if (Object.keys(settings.tuning).length > 0) return false;
  const expiresAt = ttlMs === undefined ? 0 : Date.now() + ttlMs;
  return writeBriefly(directory, { key, value, expiresAt, durability: settings.durability });
}

function setOptions(args: {
  readonly ttl: string | undefined;
  readonly "if-absent": boolean | undefined;
  readonly "if-equals": string | undefined;
}): SetOptions {
  return {
    ...(args.ttl === undefined ? {} : { ttlMs: parseTtl(args.ttl, "--ttl") }),
    ...(args["if-absent"] === true ? { ifAbsent: true } : {}),
    ...(args["if-equals"] === undefined ? {} : { ifEquals: args["if-equals"] }),
  };
}
