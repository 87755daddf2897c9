import { parseArgs } from "node:util";
import type { Campaign } from "./campaign.ts";

export interface ReliabilityOptions {
  readonly campaigns: readonly Campaign[];
  readonly minutes: number;
  /** The first seed, in place of the one after the last that was tried. */
  readonly seed: number | undefined;
  /** How many processes run one campaign side by side. */
  readonly jobs: number;
  readonly state: string;
  readonly writesDocument: boolean;
}

const DEFAULT_MINUTES = 60;

export const USAGE: string = `Usage: bun run reliability [OPTIONS]

  --minutes N        time for all campaigns together (${DEFAULT_MINUTES}); each makes at least one run
  --only NAME,...    campaigns by their names or the numbers of their tests (all)
  --seed N           start at this seed, and not after the last one that was tried; a failure names its seed
  --jobs N           processes that run one campaign side by side (1)
  --state DIR        where it is noted what was tried, for the next time (dist/reliability)
  --output docs      write figures and seeded bugs into docs/reliability.md; with --minutes 0 that is all it does
  --list             name the campaigns
`;

/** Reads the command line; throws an error whose message says what is wrong. */
export function parseOptions(args: readonly string[], known: readonly Campaign[]): ReliabilityOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: String(DEFAULT_MINUTES) },
      only: { type: "string" },
      seed: { type: "string" },
      jobs: { type: "string", default: "1" },
      state: { type: "string", default: "dist/reliability" },
      output: { type: "string" },
    },
  });
  if (values.output !== undefined && values.output !== "docs")
    throw new Error(`Invalid --output "${values.output}": expected docs`);
  const minutes = Number(values.minutes);
  if (!(minutes >= 0)) throw new Error(`Invalid --minutes "${values.minutes}": expected a number`);
  return {
    campaigns: values.only === undefined ? known : chosen(values.only, known),
    minutes,
    seed: values.seed === undefined ? undefined : wholeNumber("seed", values.seed),
    jobs: Math.max(1, wholeNumber("jobs", values.jobs)),
    state: values.state,
    writesDocument: values.output === "docs",
  };
}

function chosen(text: string, known: readonly Campaign[]): Campaign[] {
  return text.split(",").flatMap((part) => {
    const found = known.filter(({ name, test }) => name === part || String(test) === part);
    if (found.length > 0) return found;
    const names = known.map(({ name }) => name).join(", ");
    throw new Error(`Invalid --only "${part}": expected one of ${names}, or the number of a test`);
  });
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`Invalid --${option} "${text}": expected a whole number`);
}
