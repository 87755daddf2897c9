import { breather } from "../breather.ts";
import type { StoreClient } from "../client.ts";
import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { UsageError } from "../failures.ts";
import { countOf, formatBytes } from "../numbers.ts";
import type { Output } from "../output.ts";
import { runTool } from "../run-tool.ts";
import { closeOnSignal } from "../signals.ts";
import { isTerminal, STDOUT } from "../terminal.ts";

export const backup: Command = defineCommand({
  meta: { name: "backup", description: "Copy the store as it is now, whoever writes meanwhile" },
  args: {
    dest: {
      type: "positional",
      description: "Directory, absent or empty; - writes one file, a tar archive, to standard output",
    },
  },
  examples: ["kvs set greeting hello && kvs backup ./backup"],
  async run({ args, data }) {
    const { dest } = args;
    const isStream = dest === "-" && !data.literal.has("dest");
    if (isStream && (await isTerminal(STDOUT))) {
      throw new UsageError("Cannot back up to a terminal: redirect standard output to a file");
    }
    const client = data.openExisting("change");
    if (isStream) {
      await closeOnSignal(client, async () => await writeArchive(client, data.out));
      return DONE;
    }
    const { logs, bytes } = await runTool("Backing up", data.settings, async (options) =>
      client.backup(dest, options),
    );
    await data.inform(`Backed up ${countOf(logs, "log")}, ${formatBytes(bytes)}, to "${dest}"`);
    return DONE;
  },
});

async function writeArchive(client: StoreClient, out: Output): Promise<void> {
  const breathe = breather();
  for await (const piece of client.archive()) {
    out.write(piece);
    const pause = breathe();
    if (pause !== undefined) await pause;
  }
  out.flush();
}
