/** Measures kvs beside what one would otherwise take: `npm run bench -- --help` says how. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { describeMachine } from "./machine.ts";
import { type BenchOptions, parseOptions, USAGE } from "./options.ts";
import { installPeers } from "./peers.ts";
import { measurePrograms } from "./programs/runner.ts";
import { type Results, writeReport } from "./report.ts";
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
    console.log(writeReport(options.output, await measureAll(options, scratch)));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function measureAll(options: BenchOptions, scratch: string): Promise<Results> {
  const onProgress = (message: string): void => console.error(message);
  const programs = await measurePrograms({
    ...options,
    keys: Math.max(...options.keys),
    // They have as much time as all works of one configuration.
    seconds: options.seconds * options.works.length,
    scratch,
    onProgress,
  });
  const configurations = configurationsOf(options.keys, options.valueBytes);
  const profiles = options.profile ? { profiles: resolve(options.output, "profiles") } : {};
  const measurements = await measure({ ...options, ...profiles, configurations, scratch, onProgress });
  return {
    machine: describeMachine(scratch),
    date: new Date().toISOString().slice(0, 10),
    version: manifest.version,
    rounds: options.rounds,
    summaries: summarize(measurements),
    programs,
    measurements,
  };
}
