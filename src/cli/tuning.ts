import type { OpenOptions } from "../engine/options.ts";
import { UsageError } from "./failures.ts";

/** Options of the engine that are chosen once for a machine or a script, and so come from the environment alone. */
export type Tuning = Pick<
  OpenOptions,
  "compactionThreshold" | "compactionRatio" | "generationBytes" | "bloomBitsPerKey" | "cacheBytes" | "mmap"
>;

type Environment = Readonly<Record<string, string | undefined>>;

const UNITS: Readonly<Record<string, number | undefined>> = {
  "": 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const VARIABLES: ReadonlyArray<
  readonly [name: string, option: keyof Tuning, parse: (text: string, name: string) => number | boolean]
> = [
  ["KVS_COMPACTION_THRESHOLD", "compactionThreshold", parseSize],
  ["KVS_COMPACTION_RATIO", "compactionRatio", parseNumber],
  ["KVS_GENERATION_BYTES", "generationBytes", parseSize],
  ["KVS_BLOOM_BITS", "bloomBitsPerKey", parseNumber],
  ["KVS_CACHE_BYTES", "cacheBytes", parseSize],
  ["KVS_MMAP", "mmap", parseSwitch],
];

/** Reads the variables; an empty one is an unset one. */
export function tuningOf(env: Environment): Tuning {
  const tuning: Partial<Record<keyof Tuning, number | boolean>> = {};
  for (const [name, option, parse] of VARIABLES) {
    const text = env[name];
    if (text !== undefined && text !== "") tuning[option] = parse(text, name);
  }
  return tuning as Tuning;
}

/** Parses `on` or `off`. */
export function parseSwitch(text: string, name: string): boolean {
  if (text === "on" || text === "off") return text === "on";
  throw new UsageError(`${name} is "${text}", expected on or off`);
}

/** Parses bytes: `4096`, `64KiB`, `5MiB`, `1GiB`. */
function parseSize(text: string, name: string): number {
  const unit = Object.keys(UNITS).findLast((each) => text.endsWith(each)) ?? "";
  const digits = text.slice(0, text.length - unit.length);
  const bytes = Number(digits) * (UNITS[unit] ?? Number.NaN);
  if (/^[0-9]+$/.test(digits) && Number.isSafeInteger(bytes)) return bytes;
  throw new UsageError(`${name} is "${text}", expected bytes such as 4096, 64KiB, 5MiB or 1GiB`);
}

function parseNumber(text: string, name: string): number {
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text);
  throw new UsageError(`${name} is "${text}", expected a number such as 10 or 0.5`);
}
