import { parseArgs } from "node:util";
import { ENGINES } from "./engines/all.ts";
import { PROGRAMS } from "./programs/all.ts";
import { GROUPS } from "./works.ts";

export interface BenchOptions {
  readonly keys: readonly number[];
  readonly valueBytes: readonly number[];
  readonly engines: readonly string[];
  readonly works: readonly string[];
  readonly programs: readonly string[];
  readonly rounds: number;
  readonly runs: number;
  readonly seconds: number;
  readonly output: string;
  readonly profile: boolean;
}

const ENGINE_NAMES = ENGINES.map(({ name }) => name);
const PROGRAM_NAMES = PROGRAMS.map(({ name }) => name);
const WORK_NAMES = GROUPS.flatMap(({ works }) => works.map(({ name }) => name));

export const USAGE: string = `Usage: npm run bench -- [OPTIONS]

  --quick            1,000,000 keys with values of 100 bytes, not skewed, in about 3 minutes
  --huge             10,000,000 keys as well
  --keys N,...       numbers of keys (100000,1000000)
  --values N,...     bytes a value has (16,100,1024,65536)
  --engines NAME,... of ${ENGINE_NAMES.join(", ")} (all)
  --works NAME,...   of ${WORK_NAMES.join(", ")} (all)
  --programs NAME,.. whole processes: of ${PROGRAM_NAMES.join(", ")} (all), or none
  --rounds N         rounds whose median counts (3)
  --runs N           runs of each program whose median counts (200)
  --seconds N        longest time of a work that may stop early (5)
  --profile          leave CPU profiles of the engines in DIR/profiles (which slows them down)
  --output DIR       where benchmarks.md, its charts and its data go (dist/bench)
`;

const STANDARD = {
  keys: "100000,1000000",
  values: "16,100,1024,65536",
  works: WORK_NAMES.join(","),
  rounds: "3",
  runs: "200",
  seconds: "5",
};
const QUICK = {
  keys: "1000000",
  values: "100",
  works: WORK_NAMES.filter((name) => !name.endsWith("-zipf")).join(","),
  rounds: "1",
  runs: "20",
  seconds: "1",
};
const HUGE_KEYS = 10_000_000;

/** Reads the command line; throws an error whose message says what is wrong. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      huge: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      keys: { type: "string" },
      values: { type: "string" },
      engines: { type: "string", default: ENGINE_NAMES.join(",") },
      works: { type: "string" },
      programs: { type: "string", default: PROGRAM_NAMES.join(",") },
      rounds: { type: "string" },
      runs: { type: "string" },
      seconds: { type: "string" },
      output: { type: "string", default: "dist/bench" },
    },
  });
  const defaults = values.quick ? QUICK : STANDARD;
  const keys = numbersOf("keys", values.keys ?? defaults.keys);
  return {
    keys: values.huge ? [...keys, HUGE_KEYS] : keys,
    valueBytes: numbersOf("values", values.values ?? defaults.values),
    engines: namesOf("engines", values.engines, ENGINE_NAMES),
    works: namesOf("works", values.works ?? defaults.works, WORK_NAMES),
    programs: values.programs === "none" ? [] : namesOf("programs", values.programs, PROGRAM_NAMES),
    runs: numberOf("runs", values.runs ?? defaults.runs),
    rounds: numberOf("rounds", values.rounds ?? defaults.rounds),
    seconds: numberOf("seconds", values.seconds ?? defaults.seconds),
    output: values.output,
    profile: values.profile,
  };
}

function numbersOf(option: string, text: string): number[] {
  return text.split(",").map((part) => numberOf(option, part));
}

function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`Invalid --${option} "${text}": expected a whole number above 0`);
}

function namesOf(option: string, text: string, known: readonly string[]): string[] {
  return text.split(",").map((part) => {
    const name = known.find((candidate) => candidate.toLowerCase() === part.toLowerCase());
    if (name !== undefined) return name;
    throw new Error(`Invalid --${option} "${part}": expected one of ${known.join(", ")}`);
  });
}
