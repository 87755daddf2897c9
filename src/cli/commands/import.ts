import { DONE, type ExitCode } from "../exit-codes.ts";
import { type Command, defineCommand } from "../command.ts";
import { AS_ARG, formatNamed } from "../formats/index.ts";
import { importAtOnce, importRecords } from "../import-records.ts";
import { startProgress } from "../progress.ts";
import { openFile, openStandardInput, type Source } from "../source.ts";

export const importCommand: Command = defineCommand({
  meta: { name: "import", description: "Read records from a file into the store" },
  args: {
    file: { type: "positional", required: false, description: "File to read; - or none is standard input" },
    ...AS_ARG,
    atomic: { type: "boolean", description: "All records or none: nobody sees any before all are there" },
  },
  examples: [
    `echo '{"key":"greeting","value":"hello"}' | kvs import`,
    "kvs export | kvs import --dir ./copy",
    `printf 'greeting\\thello\\n' | kvs import --as tsv --atomic`,
  ],
  async run({ args, data }): Promise<ExitCode> {
    const format = formatNamed(args.as);
    const source = sourceOf(args.file, data.literal);
    // One sync, when the store is closed, makes all of them durable.
    const client = await data.create({ durability: "os", isBulk: true });
    await (args.atomic === true ? importAtOnce : importRecords)(client, {
      source,
      format,
      progress: await startProgress("Importing", data.settings),
    });
    return DONE;
  },
});

/** `-`, or no file, is standard input; after `--`, `-` is a file like any other. */
function sourceOf(file: string | undefined, literal: ReadonlySet<string>): Source {
  const isFile = file !== undefined && (file !== "-" || literal.has("file"));
  return isFile ? openFile(file) : openStandardInput();
}
