import * as fs from "node:fs";
import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { importRecords } from "../import-records.ts";
import { closeOnSignal } from "../signals.ts";
import { system } from "../system-error.ts";
import { STDIN } from "../terminal.ts";

export const importCommand: Command = defineCommand({
  meta: { name: "import", description: "Read records, as JSON Lines, into the store" },
  args: {
    file: { type: "positional", required: false, description: "File to read; - or none is standard input" },
  },
  examples: [
    `echo '{"key":"greeting","value":"hello"}' | kvs import`,
    "kvs list --json | kvs import --dir ./copy",
  ],
  async run({ args, data }) {
    const { file = "-" } = args;
    const isStdin = file === "-" && !data.literal.has("file");
    const name = isStdin ? "standard input" : `"${file}"`;
    const fd = isStdin ? STDIN : system(`open ${name}`, () => fs.openSync(file, "r"));
    // One sync, when the store is closed, makes all of them durable.
    const client = data.create({ durability: "os" });
    await closeOnSignal(client, async () => await importRecords(client, { fd, name }));
    return DONE;
  },
});
