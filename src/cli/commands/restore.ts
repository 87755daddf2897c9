import * as fs from "node:fs";
import { restoreStore } from "../../engine/tools.ts";
import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { countOf, formatBytes } from "../numbers.ts";
import { runTool } from "../run-tool.ts";
import { chunksOf, openSource } from "../source.ts";

export const restore: Command = defineCommand({
  meta: { name: "restore", description: "Make a store of a backup, in a directory that is absent or empty" },
  args: {
    src: { type: "positional", description: "Directory or file that backup has made; - is standard input" },
  },
  examples: ["kvs set greeting hello && kvs backup ./backup && kvs restore ./backup --dir ./restored"],
  async run({ args, data }) {
    const { src } = args;
    const isStream = src === "-" && !data.literal.has("src");
    const source = isStream || isFile(src) ? chunksOf(openSource(src, data.literal)) : src;
    const { directory } = data;
    const { logs, bytes } = await runTool("Restoring", data.settings, async (options) =>
      restoreStore(source, directory, options),
    );
    await data.inform(`Restored ${countOf(logs, "log")}, ${formatBytes(bytes)}, to "${directory}"`);
    return DONE;
  },
});

/** Whatever else it is, or is not, the engine says what is wrong with it as a directory. */
function isFile(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
}
