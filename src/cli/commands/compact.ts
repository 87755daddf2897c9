import { refuseTogether } from "../argv.ts";
import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { formatBytes } from "../numbers.ts";
import { parseFormat } from "../settings.ts";
import { closeOnSignal } from "../signals.ts";

export const compact: Command = defineCommand({
  meta: { name: "compact", description: "Rewrite the store without what was overwritten or removed" },
  args: {
    format: { type: "string", valueHint: "binary|json", description: "Convert the store to this format" },
    auto: { type: "boolean", description: "Do only what is due, and nothing while somebody is at it" },
  },
  examples: ["kvs set greeting hello && kvs compact"],
  async run({ args, data }) {
    refuseTogether(args, "auto", "format");
    if (args.auto === true) {
      await data.openExisting("change").maintain();
      return DONE;
    }
    const { format } = args;
    const options = format === undefined ? {} : { format: parseFormat(format, "--format") };
    const client = data.openExisting("change");
    const { generationsMerged, bytesBefore, bytesAfter } = await closeOnSignal(
      client,
      async () => await client.compact(options),
    );
    const sizes = `${formatBytes(bytesBefore)} before, ${formatBytes(bytesAfter)} after`;
    await data.inform(
      generationsMerged === 0
        ? "Freed nothing: the store is compact"
        : `Freed ${formatBytes(bytesBefore - bytesAfter)}: ${sizes}, generations merged: ${generationsMerged}`,
    );
    return DONE;
  },
});
