import type { CompactionResult } from "../../engine/compaction.ts";
import type { CompactOptions } from "../../engine/options.ts";
import type { StoreStats } from "../../engine/stats.ts";
import { refuseTogether } from "../argv.ts";
import type { StoreClient } from "../client.ts";
import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { formatBytes } from "../numbers.ts";
import { startProgress } from "../progress.ts";
import { parseFormat, type Settings } from "../settings.ts";
import { onSignal } from "../signals.ts";

export const compact: Command = defineCommand({
  meta: { name: "compact", description: "Rewrite the store without what was overwritten or removed" },
  args: {
    format: { type: "string", valueHint: "binary|json", description: "Convert the store to this format" },
    "dry-run": { type: "boolean", description: "Change nothing, print what would be done" },
    auto: { type: "boolean", description: "Do only what is due, and nothing while somebody is at it" },
  },
  examples: ["kvs set greeting hello && kvs compact", "kvs set greeting hello && kvs compact --dry-run"],
  async run({ args, data }) {
    refuseTogether(args, "auto", "format");
    refuseTogether(args, "auto", "dry-run");
    refuseTogether(args, "dry-run", "format");
    if (args["dry-run"] === true) {
      const reader = await data.openExisting("read");
      data.out.write(describePlan(await reader.stats()));
      return DONE;
    }
    if (args.auto === true) {
      const maintainer = await data.openExisting("change");
      await maintainer.maintain();
      return DONE;
    }
    const { format } = args;
    const options = format === undefined ? {} : { format: parseFormat(format, "--format") };
    const client = await data.openExisting("change");
    const { generationsMerged, bytesBefore, bytesAfter } = await compactWithBar(
      client,
      options,
      data.settings,
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

/** Compacts with a bar. A signal leaves the store as it was. */
async function compactWithBar(
  client: StoreClient,
  options: CompactOptions,
  settings: Settings,
): Promise<CompactionResult> {
  const progress = await startProgress("Compacting", settings);
  const release = onSignal(async () => {
    await client.close();
    progress.end();
  });
  try {
    return await client.compact({ ...options, onProgress: (done) => progress.update(done) });
  } finally {
    progress.end();
    release();
  }
}

/** What a compaction would do now. What it frees is an estimate: frames are shared differently afterwards. */
function describePlan({ generations, diskBytes, staleBytes }: StoreStats): string {
  const filled = generations.filter(({ records }) => records > 0);
  const [only] = filled;
  if (only === undefined || (filled.length === 1 && only.sealed && only.staleBytes === 0)) {
    return "Would do nothing: the store is compact\n";
  }
  const names = filled.map(({ name }) => name).join(" ");
  return `Would merge ${names}: ${formatBytes(diskBytes)} before, about ${formatBytes(staleBytes)} freed\n`;
}
