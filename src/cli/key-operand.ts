import type { Key } from "../engine/options.ts";
import { UsageError, Failure } from "./failures.ts";
import { NO } from "./exit-codes.ts";

/** The arguments of every command that takes a key. */
export const KEY_ARGS = {
  key: { type: "positional", required: false, description: "The key" },
  "key-hex": {
    type: "string",
    valueHint: "HEX",
    replaces: "key",
    description: "The key's bytes in hexadecimal, in place of KEY",
  },
} as const;

/** The key a command was given. */
export function keyOf(args: {
  readonly key: string | undefined;
  readonly "key-hex": string | undefined;
}): Key {
  const hex = args["key-hex"];
  if (hex !== undefined) {
    if (!/^([0-9a-f]{2})*$/i.test(hex))
      throw new UsageError(`--key-hex is "${hex}", expected pairs of hexadecimal digits`);
    return Buffer.from(hex, "hex");
  }
  if (args.key === undefined) throw new Error("A key passed the check without being given");
  return args.key;
}

/** How a command ends whose key has no value. */
export function keyNotFound(): Failure {
  return new Failure(NO, "Key not found");
}
