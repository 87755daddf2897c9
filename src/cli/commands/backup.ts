import { refuseInside } from "../apart.ts";
import type { StoreClient } from "../client.ts";
import { type Command, defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { DONE } from "../exit-codes.ts";
import { UsageError } from "../failures.ts";
import { countOf, formatBytes } from "../numbers.ts";
import { startProgress } from "../progress.ts";
import { runTool } from "../run-tool.ts";
import { isTerminal, STDOUT } from "../terminal.ts";

export const backup: Command = defineCommand({
  meta: { name: "backup", description: "Copy the store as it is now, whoever writes meanwhile" },
  args: {
    dest: {
      type: "positional",
      description:
        "Directory outside the store, absent or empty; - writes one file, a tar archive, to standard output",
    },
  },
  examples: ["kvs set greeting hello && kvs backup ./backup"],
  async run({ args, data }) {
    const { dest } = args;
    const isStream = dest === "-" && !data.literal.has("dest");
    if (isStream && (await isTerminal(STDOUT))) {
      throw new UsageError("Cannot back up to a terminal: redirect standard output to a file");
    }
    data.typedPaths.push(dest);
    if (!isStream) refuseInside(data.directory, dest, "back up");
    const client = await data.openExisting("change");
    if (isStream) {
      await writeArchive(client, data);
      return DONE;
    }
    const { logs, bytes } = await runTool("Backing up", data.settings, async (options) =>
      client.backup(dest, options),
    );
    await data.inform(`Backed up ${countOf(logs, "log")}, ${formatBytes(bytes)}, to "${dest}"`);
    return DONE;
  },
});

/** Signals kill it where it stands, even while nobody reads the pipe: there is nothing to clean up. */
async function writeArchive(client: StoreClient, { out, settings }: Context): Promise<void> {
  const progress = await startProgress("Backing up", settings);
  try {
    for await (const piece of client.archive({ onProgress: (done) => progress.update(done) }))
      out.write(piece);
    out.flush();
  } finally {
    progress.end();
  }
}
