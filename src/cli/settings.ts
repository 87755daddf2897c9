import type { Durability, LogFormat } from "../engine/options.ts";
import type { CheckedArgs } from "./argv.ts";
import { DEFAULT_DIRECTORY } from "./default-directory.ts";
import { parseDuration } from "./duration.ts";
import { UsageError } from "./failures.ts";
import { parseSwitch, type Tuning, tuningOf } from "./tuning.ts";

/** What the global flags and the environment say. */
export interface Settings {
  readonly location: string;
  readonly waitMs: number;
  readonly durability: Durability;
  readonly format: LogFormat;
  readonly autoCompact: boolean;
  readonly tuning: Tuning;
  readonly quiet: boolean;
  readonly noColor: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_WAIT_MS = 5_000;
const DURABILITIES = ["sync", "os"] as const;
const FORMATS = ["binary", "json"] as const;

/** A flag wins over its variable, a variable over the default; an empty variable is an unset one. */
export function resolveSettings(values: CheckedArgs["values"], env: Environment): Settings {
  const setting = (flag: string, variable: string): Setting | undefined => {
    const given = values[flag];
    if (typeof given === "string") return { name: `--${flag}`, text: given };
    const inherited = env[variable];
    return inherited === undefined || inherited === "" ? undefined : { name: variable, text: inherited };
  };
  // What is not set is not parsed: most of a fast command's time goes by in functions that run for the first time.
  const dir = setting("dir", "KVS_DIR");
  const wait = setting("wait", "KVS_WAIT");
  const durability = setting("durability", "KVS_DURABILITY");
  const format = setting("format", "KVS_FORMAT");
  return {
    location: dir === undefined ? DEFAULT_DIRECTORY : parseLocation(dir),
    waitMs: wait === undefined ? DEFAULT_WAIT_MS : parseDuration(wait.text, wait.name),
    durability: durability === undefined ? "sync" : choose(durability, DURABILITIES),
    format: format === undefined ? "binary" : choose(format, FORMATS),
    autoCompact: parseAutoCompact(values, env),
    tuning: tuningOf(env),
    quiet: values["quiet"] === true,
    noColor: values["no-color"] === true,
  };
}

function parseAutoCompact(values: CheckedArgs["values"], env: Environment): boolean {
  if (values["no-auto-compact"] === true) return false;
  const text = env["KVS_AUTO_COMPACT"];
  return text === undefined || text === "" || parseSwitch(text, "KVS_AUTO_COMPACT");
}

/** Parses the name of a log format. */
export function parseFormat(text: string, name: string): LogFormat {
  return choose({ name, text }, FORMATS);
}

interface Setting {
  readonly name: string;
  readonly text: string;
}

function parseLocation({ name, text }: Setting): string {
  if (text === "") throw new UsageError(`${name} is empty, expected a directory`);
  return text;
}

function choose<T extends string>(setting: Setting, choices: readonly T[]): T {
  // A loop: the first `find` of a process takes as long as eight functions of its own.
  for (const choice of choices) if (choice === setting.text) return choice;
  throw new UsageError(`${setting.name} is "${setting.text}", expected ${choices.join(" or ")}`);
}
