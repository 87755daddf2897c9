/** Measures kvs beside what one would otherwise take: `npm run bench -- --help` says how. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchOptions, parseOptions, USAGE } from "./options.ts";
import { installPeers } from "./peers.ts";
import { renderTables } from "./tables.ts";
import { configurationsOf, measure } from "./runner.ts";
import { summarize } from "./statistics.ts";

const args = process.argv.slice(2);
if (args.includes("--help")) console.log(USAGE);
else await bench(readOptions());

function readOptions(): BenchOptions {
  try {
    return parseOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function bench(options: BenchOptions): Promise<void> {
  installPeers(options.engines);
  const scratch = mkdtempSync(join(tmpdir(), "kvs-bench-"));
  try {
    const configurations = configurationsOf(options.keys, options.valueBytes);
    const measurements = await measure({ ...options, configurations, scratch, onProgress: console.error });
    const summaries = summarize(measurements);
    mkdirSync(options.output, { recursive: true });
    writeFileSync(
      join(options.output, "results.json"),
      `${JSON.stringify({ summaries, measurements }, undefined, 1)}\n`,
    );
    console.log(renderTables(summaries));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
