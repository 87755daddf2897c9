import * as fs from "node:fs";
import type { StoreClient } from "../client.ts";
import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import type { RecordEncoder } from "../formats/format.ts";
import { AS_ARG, formatNamed } from "../formats/index.ts";
import { forEach } from "../for-each.ts";
import { Output } from "../output.ts";
import { pace } from "../pace.ts";
import { type Progress, SILENT, startProgress } from "../progress.ts";
import { system } from "../system-error.ts";
import { isTerminal, STDOUT } from "../terminal.ts";

const FILE_MODE = 0o600;

/** What a record leaves behind that is written as it was read. */
const BYTES_A_RECORD = 256;

export const exportCommand: Command = defineCommand({
  meta: { name: "export", description: "Write all records to a file, for import to read" },
  args: {
    file: { type: "positional", required: false, description: "File to write; - or none is standard output" },
    ...AS_ARG,
  },
  examples: ["kvs set greeting hello && kvs export", "kvs set greeting hello && kvs export --as tsv"],
  async run({ args, data }) {
    const format = formatNamed(args.as);
    const client = await data.openExisting("read");
    const file = openOutput(args.file, data.literal);
    const out = file ?? data.out;
    // On a terminal that shows the records themselves, a bar would only be in their way.
    const isShown = file === undefined && (await isTerminal(STDOUT));
    const progress = isShown ? SILENT : await startProgress("Exporting", data.settings);
    const encoder = format.encoder(out, { isTerminal: isShown });
    await exportRecords(client, encoder, progress);
    out.flush();
    return DONE;
  },
});

/**
 * Writes the store as it is at the start, whatever is written meanwhile. Signals kill it where it stands, even while
 * nobody reads the pipe: there is nothing to clean up.
 */
async function exportRecords(client: StoreClient, encoder: RecordEncoder, progress: Progress): Promise<void> {
  const pauseAfter = pace(BYTES_A_RECORD);
  let records = 0;
  try {
    await forEach(client.mutations(), (record) => {
      encoder.write(record);
      records += 1;
      const pause = pauseAfter(record.key.length + record.value.length);
      if (pause !== undefined) progress.count(records);
      return pause;
    });
    encoder.end();
  } finally {
    progress.end();
  }
}

/** A file that only its owner may read, as the store is; undefined for standard output. */
function openOutput(file: string | undefined, literal: ReadonlySet<string>): Output | undefined {
  if (file === undefined || (file === "-" && !literal.has("file"))) return undefined;
  const name = `"${file}"`;
  return new Output(
    system(`open ${name}`, () => fs.openSync(file, "w", FILE_MODE)),
    name,
  );
}
