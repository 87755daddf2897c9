import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { AS_ARG, formatNamed } from "../formats/index.ts";
import { importRecords } from "../import-records.ts";
import { closeOnSignal } from "../signals.ts";
import { openSource } from "../source.ts";

export const importCommand: Command = defineCommand({
  meta: { name: "import", description: "Read records from a file into the store" },
  args: {
    file: { type: "positional", required: false, description: "File to read; - or none is standard input" },
    ...AS_ARG,
  },
  examples: [
    `echo '{"key":"greeting","value":"hello"}' | kvs import`,
    "kvs export | kvs import --dir ./copy",
    `printf 'greeting\\thello\\n' | kvs import --as tsv`,
  ],
  async run({ args, data }) {
    const format = formatNamed(args.as);
    const source = openSource(args.file, data.literal);
    // One sync, when the store is closed, makes all of them durable.
    const client = data.create({ durability: "os" });
    await closeOnSignal(client, async () => await importRecords(client, source, format));
    return DONE;
  },
});
