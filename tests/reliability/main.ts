/** Runs the campaigns for as long as it is given: `bun run reliability --help` says how. */
import { resolve } from "node:path";
import type { Campaign, Outcome } from "./campaign.ts";
import { campaigns } from "./campaigns.ts";
import { parseOptions, type ReliabilityOptions, USAGE } from "./options.ts";
import { Pool } from "./pool.ts";
import { type CampaignRecord, Records } from "./record.ts";
import { tableOf, writeDocument } from "./table.ts";

/** A campaign that has failed so often is over: what is wrong has shown. */
const MOST_FAILURES = 10;
const SHOWN_FAILURES = 3;
const SAVED_EVERY_MS = 10_000;

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
  const end = performance.now() + options.minutes * 60_000;
  let failures = 0;
  const onlyWrites = options.writesDocument && options.minutes === 0;
  const toRun = onlyWrites ? [] : options.campaigns;
  for (const [index, campaign] of toRun.entries()) {
    const share = (end - performance.now()) / (toRun.length - index);
    const run = new CampaignRun(campaign, records, performance.now() + share, options);
    failures += await run.run();
  }
  const rows = options.campaigns.map((campaign) => ({ campaign, record: records.readLast(campaign) }));
  console.log(`\n${tableOf(rows)}`);
  if (options.writesDocument) {
    writeDocument(campaigns.map((campaign) => ({ campaign, record: records.readLast(campaign) })));
  }
  process.exitCode = failures === 0 ? 0 : 1;
}

/** Runs one seed after another until the campaign is full or its time is over. */
class CampaignRun {
  readonly #campaign: Campaign;
  readonly #records: Records;
  readonly #end: number;
  readonly #options: ReliabilityOptions;
  readonly #start: number = performance.now();
  readonly #before: CampaignRecord;
  #record: CampaignRecord;
  #nextSeed: number;
  #begun = 0;
  #failures = 0;
  #saved = 0;

  constructor(campaign: Campaign, records: Records, end: number, options: ReliabilityOptions) {
    this.#campaign = campaign;
    this.#records = records;
    this.#end = end;
    this.#options = options;
    this.#before = records.read(campaign);
    // What is asked for by its seed is run whatever was tried before, and is no part of the count.
    this.#record = options.seed === undefined ? this.#before : { ...this.#before, cases: 0 };
    this.#nextSeed = options.seed ?? this.#before.nextSeed;
  }

  /** How many seeds failed. */
  async run(): Promise<number> {
    const { seed, jobs } = this.#options;
    if (this.#isOver()) return 0;
    using pool = new Pool(this.#campaign, jobs);
    await pool.run(
      () => this.#next(),
      (tried, outcome) => this.#note(tried, outcome),
    );
    const { name, unit } = this.#campaign;
    if (seed === undefined) this.#records.write(this.#record);
    else console.log(`${name}, from seed ${seed} on: ${this.#record.cases} ${unit}`);
    return this.#failures;
  }

  #next(): number | undefined {
    const isFirst = this.#begun === 0;
    if (this.#isOver() || (!isFirst && performance.now() >= this.#end)) return undefined;
    this.#begun += 1;
    return this.#nextSeed++;
  }

  #isOver(): boolean {
    const { runs = Number.POSITIVE_INFINITY, full } = this.#campaign;
    return this.#nextSeed >= runs || this.#record.cases >= full || this.#failures >= MOST_FAILURES;
  }

  #note(seed: number, { cases, failures }: Outcome): void {
    const shown = failures.slice(0, SHOWN_FAILURES);
    this.#record = {
      ...this.#record,
      date: new Date().toISOString().slice(0, 10),
      nextSeed: this.#nextSeed,
      cases: this.#record.cases + cases,
      seconds: this.#before.seconds + (performance.now() - this.#start) / 1000,
      failed: shown.length === 0 ? this.#record.failed : [...this.#record.failed, { seed, failures: shown }],
    };
    const { name, full, unit } = this.#campaign;
    if (shown.length > 0) {
      this.#failures += 1;
      console.log(
        `FAILED: bun run reliability --only ${name} --seed ${seed} --minutes 0\n${shown.join("\n")}\n`,
      );
    }
    if (performance.now() - this.#saved < SAVED_EVERY_MS || this.#options.seed !== undefined) return;
    this.#saved = performance.now();
    this.#records.write(this.#record);
    console.log(`${name}: ${this.#record.cases} of ${full} ${unit}`);
  }
}
