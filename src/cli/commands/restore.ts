import * as fs from "node:fs";
import type { BackupResult } from "../../engine/backup.ts";
import type { ToolOptions } from "../../engine/options.ts";
import { restoreStore } from "../../engine/tools.ts";
import { refuseInside } from "../apart.ts";
import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { makeIndexes } from "../make-indexes.ts";
import { countOf, formatBytes } from "../numbers.ts";
import { runTool } from "../run-tool.ts";
import { chunksOf, openFile, openStandardInput, type Source } from "../source.ts";

export const restore: Command = defineCommand({
  meta: { name: "restore", description: "Make a store of a backup, in a directory that is absent or empty" },
  args: {
    src: { type: "positional", description: "Directory or file that backup has made; - is standard input" },
  },
  examples: ["kvs set greeting hello && kvs backup ./backup && kvs restore ./backup --dir ./restored"],
  async run({ args, data }) {
    const { src } = args;
    const isStream = src === "-" && !data.literal.has("src");
    const { directory } = data;
    data.typedPaths.push(src);
    const { logs, bytes } = await runTool("Restoring", data.settings, async (options) => {
      if (isStream) return await restoreFile(openStandardInput(), directory, options);
      if (isFile(src)) return await restoreFile(openFile(src), directory, options);
      refuseInside(src, directory, "restore");
      return await restoreStore(src, directory, options);
    });
    makeIndexes(directory, data.settings);
    await data.inform(`Restored ${countOf(logs, "log")}, ${formatBytes(bytes)}, to "${directory}"`);
    return DONE;
  },
});

/** Half of the work is to read the archive, as far as it is known how long that is; the other half to verify it. */
async function restoreFile(source: Source, directory: string, options: ToolOptions): Promise<BackupResult> {
  const { onProgress = () => undefined, signal } = options;
  const { size } = fs.fstatSync(source.fd);
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    let read = 0;
    for await (const chunk of chunksOf(source)) {
      yield chunk;
      read += chunk.length;
      if (size > 0) onProgress(Math.min(1, read / size) / 2);
    }
  };
  return await restoreStore(chunks(), directory, {
    onProgress: (done) => onProgress((1 + done) / 2),
    ...(signal && { signal }),
  });
}

/** Whatever else it is, or is not, the engine says what is wrong with it as a directory. */
function isFile(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
}
