import type { DeleteOptions, Key } from "../../engine/options.ts";
import { refuseTogether } from "../argv.ts";
import type { StoreClient } from "../client.ts";
import { type Command, defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { DONE, type ExitCode, NO } from "../exit-codes.ts";
import { Failure, UsageError } from "../failures.ts";
import { KEY_ARGS, keyNotFound, keyOf } from "../key-operand.ts";
import { printValue } from "../print-value.ts";

export const rm: Command = defineCommand({
  meta: { name: "rm", description: "Remove a key, or all keys with a prefix" },
  fast: true,
  args: {
    ...KEY_ARGS,
    "if-exists": { type: "boolean", description: "Exit 0 also where the key is missing" },
    "if-equals": {
      type: "string",
      valueHint: "V",
      description: "Remove only if the key's value is V, else exit 1",
    },
    print: { type: "boolean", description: "Print the value that was removed" },
    prefix: {
      type: "string",
      valueHint: "P",
      replaces: "key",
      description: "Remove every key that starts with P",
    },
    "dry-run": { type: "boolean", description: "With --prefix: print the keys, remove nothing" },
    yes: { type: "boolean", description: "With --prefix: do not ask" },
  },
  examples: [
    "kvs set greeting hello && kvs rm greeting",
    "kvs set session/1 ann && kvs rm --prefix session/ --dry-run",
  ],
  async run({ args, data }) {
    const { prefix } = args;
    if (prefix === undefined) {
      for (const flag of ["dry-run", "yes"] as const) {
        if (args[flag] === true) throw new UsageError(`--${flag} needs --prefix`);
      }
      return await removeOne(data, args);
    }
    for (const flag of ["if-exists", "if-equals", "print"]) refuseTogether(args, "prefix", flag);
    refuseTogether(args, "dry-run", "yes");
    const { removePrefix } = await import("../slow-path.ts");
    await removePrefix(
      data,
      prefix,
      args["dry-run"] === true ? "show" : args.yes === true ? "remove" : "ask",
    );
    return DONE;
  },
});

interface RemoveArgs {
  readonly key: string | undefined;
  readonly "key-hex": string | undefined;
  readonly "if-exists": boolean | undefined;
  readonly "if-equals": string | undefined;
  readonly print: boolean | undefined;
}

async function removeOne(data: Context, args: RemoveArgs): Promise<ExitCode> {
  const key = keyOf(args);
  const expected = args["if-equals"];
  const client = await data.open("change");
  const removed = client === undefined ? undefined : await remove(client, key, { ...args, expected });
  if (removed !== undefined) {
    if (args.print === true) await printValue(data.out, removed, { newline: false });
    return DONE;
  }
  if (expected !== undefined && (await client?.has(key)) === true)
    throw new Failure(NO, "Value is another one");
  if (args["if-exists"] === true) return DONE;
  throw keyNotFound();
}

/** Removes a key; the value where that must be printed, undefined where nothing was removed. */
async function remove(
  client: StoreClient,
  key: Key,
  wanted: { readonly print: boolean | undefined; readonly expected: string | undefined },
): Promise<Uint8Array | undefined> {
  const { print, expected } = wanted;
  if (print === true && expected === undefined) return await client.take(key);
  const options: DeleteOptions = expected === undefined ? {} : { ifEquals: expected };
  return (await client.delete(key, options)) ? Buffer.from(expected ?? "") : undefined;
}
