/** Runs the campaigns for as long as it is given: `bun run reliability --help` says how. */
import { resolve } from "node:path";
import type { Campaign } from "./campaign.ts";
import { campaigns } from "./campaigns.ts";
import { parseOptions, type ReliabilityOptions, USAGE } from "./options.ts";
import { type CampaignRecord, type Failure, Records } from "./record.ts";
import { tableOf, writeFigures } from "./table.ts";

/** A campaign that has failed so often is over: what is wrong has shown. */
const MOST_FAILURES = 10;
const SHOWN_FAILURES = 3;
const SAVED_EVERY_MS = 10_000;

/** Campaigns put clocks of their own in the place of this one. */
const elapsedMs: () => number = performance.now.bind(performance);

process.chdir(resolve(import.meta.dirname, "../.."));
const args = process.argv.slice(2);
if (args.includes("--help")) console.log(USAGE);
else if (args.includes("--list")) console.log(listOf(campaigns));
else await runAll(readOptions());

function readOptions(): ReliabilityOptions {
  try {
    return parseOptions(args, campaigns);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

function listOf(known: readonly Campaign[]): string {
  return known.map(({ test, name, shows }) => `${String(test).padStart(2)}  ${name}: ${shows}`).join("\n");
}

/** Each campaign gets its share of the time that is left; what one does not need is the others'. */
async function runAll(options: ReliabilityOptions): Promise<void> {
  const records = new Records(options.state);
  const end = elapsedMs() + options.minutes * 60_000;
  let failures = 0;
  for (const [index, campaign] of options.campaigns.entries()) {
    const share = (end - elapsedMs()) / (options.campaigns.length - index);
    failures += await runCampaign(campaign, records, elapsedMs() + share, options.seed);
  }
  const rows = options.campaigns.map((campaign) => ({ campaign, record: records.readLast(campaign) }));
  console.log(`\n${tableOf(rows)}`);
  if (options.writesDocument) {
    writeFigures(campaigns.map((campaign) => ({ campaign, record: records.readLast(campaign) })));
  }
  process.exitCode = failures === 0 ? 0 : 1;
}

/** Runs one seed after another until the campaign is full or its time is over; how many failed. */
async function runCampaign(
  campaign: Campaign,
  records: Records,
  end: number,
  seed: number | undefined,
): Promise<number> {
  const before = records.read(campaign);
  let record: CampaignRecord = seed === undefined ? before : { ...before, nextSeed: seed, cases: 0 };
  const failures = (): number => record.failed.length - before.failed.length;
  // What is asked for by its seed is run whatever was tried before, and is no part of the count.
  const save = (): void => (seed === undefined ? records.write(record) : undefined);
  let savedAt = elapsedMs();
  const isOver = (): boolean => isFull(campaign, record) || failures() >= MOST_FAILURES;
  for (let isFirst = true; (isFirst || elapsedMs() < end) && !isOver(); isFirst = false) {
    record = await runOnce(campaign, record);
    if (elapsedMs() - savedAt < SAVED_EVERY_MS) continue;
    savedAt = elapsedMs();
    save();
    console.log(`${campaign.name}: ${record.cases} of ${campaign.full} ${campaign.unit}`);
  }
  save();
  if (seed !== undefined)
    console.log(`${campaign.name}, from seed ${seed} on: ${record.cases} ${campaign.unit}`);
  return failures();
}

async function runOnce(campaign: Campaign, record: CampaignRecord): Promise<CampaignRecord> {
  const start = elapsedMs();
  const seed = record.nextSeed;
  const { cases, failures } = await campaign.run(seed).catch((error: unknown) => ({
    cases: 0,
    failures: [`the campaign itself failed: ${error instanceof Error ? error.stack : String(error)}`],
  }));
  return {
    ...record,
    date: new Date().toISOString().slice(0, 10),
    nextSeed: seed + 1,
    cases: record.cases + cases,
    seconds: record.seconds + (elapsedMs() - start) / 1000,
    failed: failures.length === 0 ? record.failed : [...record.failed, report(campaign, seed, failures)],
  };
}

function isFull(campaign: Campaign, { nextSeed, cases }: CampaignRecord): boolean {
  return nextSeed >= (campaign.runs ?? Number.POSITIVE_INFINITY) || cases >= campaign.full;
}

function report({ name }: Campaign, seed: number, failures: readonly string[]): Failure {
  const shown = failures.slice(0, SHOWN_FAILURES);
  console.log(`FAILED: bun run reliability --only ${name} --seed ${seed} --minutes 0\n${shown.join("\n")}\n`);
  return { seed, failures: shown };
}
