import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { KEY_ARGS, keyNotFound, keyOf } from "../key-operand.ts";
import { printValue, withNewline } from "../print-value.ts";

export const get: Command = defineCommand({
  meta: { name: "get", description: "Print the value of a key, byte for byte" },
  fast: true,
  args: {
    ...KEY_ARGS,
    default: { type: "string", valueHint: "V", description: "Print this where the key has no value" },
    newline: { type: "boolean", alias: "n", description: "Add a newline if the value does not end in one" },
    output: {
      type: "string",
      valueHint: "FILE",
      description: "Write to a file, which gets the whole value or, if there is none, stays as it is",
    },
  },
  examples: ["kvs set greeting hello && kvs get greeting", "kvs get --default none greeting"],
  async run({ args, data }) {
    const key = keyOf(args);
    const stored = await data.lookUp(key);
    const value = stored ?? (args.default === undefined ? undefined : Buffer.from(args.default));
    if (value === undefined) throw keyNotFound();
    const newline = args.newline === true;
    if (args.output === undefined) await printValue(data.out, value, { newline });
    else await writeFile(data.directory, args.output, newline ? withNewline(value) : value);
    return DONE;
  },
});

async function writeFile(store: string, path: string, bytes: Uint8Array): Promise<void> {
  const { refuseOwnFile, replaceFile } = await import("../slow-path.ts");
  refuseOwnFile(store, path);
  replaceFile(path, bytes);
}
