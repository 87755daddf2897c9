import type { Durability, LogFormat } from "../engine/options.ts";
import type { CheckedArgs } from "./argv.ts";
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

const DEFAULT_DIRECTORY = "./kvs_logs";
const DEFAULT_WAIT = "5s";

/** A flag wins over its variable, a variable over the default; an empty variable is an unset one. */
export function resolveSettings(values: CheckedArgs["values"], env: Environment): Settings {
  const setting = (flag: string, variable: string): Setting | undefined => {
    const given = values[flag];
    if (typeof given === "string") return { name: `--${flag}`, text: given };
    const inherited = env[variable];
    return inherited === undefined || inherited === "" ? undefined : { name: variable, text: inherited };
  };
  const wait = setting("wait", "KVS_WAIT");
  return {
    location: parseLocation(setting("dir", "KVS_DIR")),
    waitMs: parseDuration(wait?.text ?? DEFAULT_WAIT, wait?.name ?? "--wait"),
    durability: choose(setting("durability", "KVS_DURABILITY"), ["sync", "os"]),
    format: choose(setting("format", "KVS_FORMAT"), ["binary", "json"]),
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
  return choose({ name, text }, ["binary", "json"]);
}

interface Setting {
  readonly name: string;
  readonly text: string;
}

function parseLocation(setting: Setting | undefined): string {
  if (setting?.text === "") throw new UsageError(`${setting.name} is empty, expected a directory`);
  return setting?.text ?? DEFAULT_DIRECTORY;
}

/** The choice that was made; the first one when none was. */
function choose<T extends string>(setting: Setting | undefined, choices: readonly [T, ...T[]]): T {
  if (setting === undefined) return choices[0];
  const chosen = choices.find((choice) => choice === setting.text);
  if (chosen !== undefined) return chosen;
  throw new UsageError(`${setting.name} is "${setting.text}", expected ${choices.join(" or ")}`);
}
