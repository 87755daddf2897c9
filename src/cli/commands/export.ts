import { refuseOwnFile } from "../apart.ts";
import type { StoreClient } from "../client.ts";
import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import type { RecordEncoder } from "../formats/format.ts";
import { AS_ARG, formatNamed } from "../formats/index.ts";
import { forEach } from "../for-each.ts";
import { Output } from "../output.ts";
import { pace } from "../pace.ts";
import { type Progress, SILENT, startProgress } from "../progress.ts";
import { FileReplacement } from "../replace-file.ts";
import { onSignal } from "../signals.ts";
import { isTerminal, STDOUT } from "../terminal.ts";

/** Only its owner may read it, as the store. */
const FILE_MODE = 0o600;

/** What a record leaves behind that is written as it was read. */
const BYTES_A_RECORD = 256;

export const exportCommand: Command = defineCommand({
  meta: { name: "export", description: "Write all records to a file, for import to read" },
  args: {
    file: {
      type: "positional",
      required: false,
      description: "File to write, which gets all records or stays as it is; - or none is standard output",
    },
    ...AS_ARG,
  },
  examples: ["kvs set greeting hello && kvs export", "kvs set greeting hello && kvs export --as tsv"],
  async run({ args, data }) {
    const format = formatNamed(args.as);
    const client = await data.openExisting("read");
    const { file } = args;
    const isStream = file === undefined || (file === "-" && !data.literal.has("file"));
    if (!isStream) {
      refuseOwnFile(data.directory, file);
      const progress = await startProgress("Exporting", data.settings);
      await exportToFile(file, progress, async (out) =>
        exportRecords(client, format.encoder(out, { isTerminal: false }), progress),
      );
      return DONE;
    }
    // On a terminal that shows the records themselves, a bar would only be in their way.
    const isShown = await isTerminal(STDOUT);
    const progress = isShown ? SILENT : await startProgress("Exporting", data.settings);
    await exportRecords(client, format.encoder(data.out, { isTerminal: isShown }), progress);
    data.out.flush();
    return DONE;
  },
});

/** Writes a file so that an older one stays as it was until all of the new one is there, also when a signal comes. */
async function exportToFile(
  path: string,
  progress: Progress,
  write: (out: Output) => Promise<void>,
): Promise<void> {
  const file = new FileReplacement(path, FILE_MODE);
  // Before there is anything to clean up.
  const release = file.isBeside ? onSignal(() => giveUp(file, progress)) : undefined;
  try {
    const out = new Output(file.open(), file.name);
    await write(out);
    out.flush();
    file.finish({ isDurable: true });
  } finally {
    release?.();
    file.discard();
  }
}

function giveUp(file: FileReplacement, progress: Progress): void {
  file.discard();
  progress.end();
}

/**
 * Writes the store as it is at the start, whatever is written meanwhile. Where it writes to a pipe, signals kill it where
 * it stands, even while nobody reads that: there is nothing to clean up.
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
