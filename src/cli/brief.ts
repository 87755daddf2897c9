import { lookUpBriefly } from "../engine/brief-look-up.ts";
import { writeBriefly } from "../engine/brief-write.ts";
import { Unsettled } from "../engine/settled-store.ts";
import { KvsError } from "../format/errors.ts";
import { describe } from "./descriptor.ts";
import { DONE, type ExitCode, NO } from "./exit-codes.ts";
import { BrokenPipe, verdictOn } from "./failures.ts";
import { writeMessage, writeToStderr } from "./messages.ts";
import { DEFAULT_DIRECTORY } from "./default-directory.ts";
import { STDOUT } from "./terminal.ts";
import { STDOUT_NAME, writeFully } from "./write-fully.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A command line in its plain form. */
interface BriefLine {
  readonly command: "get" | "exists" | "set";
  readonly key: string;
  readonly value: string;
  readonly directory: string;
  readonly durability: "sync" | "os";
}

const MANGLED = "\uFFFD";

/**
 * Runs what scripts run in loops, in its plain form and in a store that is settled:
 * `get KEY`, `exists KEY` and `set KEY VALUE`, with no other flags than `--dir DIR` and
 * `--durability WORD`. Undefined, and nothing has happened, for all else and wherever
 * there is anything to say: that is for `run`, which begins anew.
 *
 * A compiled program takes half of its time to load what it may need; this needs a
 * tenth of kvs, and knows of the rest only that it is there.
 */
export function runBriefly(argv: readonly string[], env: Environment): ExitCode | undefined {
  const line = parse(argv, env);
  if (line === undefined) return undefined;
  try {
    return line.command === "set" ? set(line) : look(line);
  } catch (error) {
    if (error instanceof Unsettled) return undefined;
    if (error instanceof BrokenPipe) return DONE;
    // Of a key or a value: nothing has been done by then.
    if (error instanceof KvsError && error.code === "INVALID_ARGUMENT") return undefined;
    const { exitCode, message } = verdictOn(error);
    writeMessage(message);
    return exitCode;
  }
}

function set({ directory, key, value, durability }: BriefLine): ExitCode | undefined {
  return writeBriefly(directory, { key, value, expiresAt: 0, durability }) ? DONE : undefined;
}

function look({ command, directory, key }: BriefLine): ExitCode | undefined {
  // To a person, a value is printed in another way.
  if (command === "get" && describe(STDOUT).mayBeTerminal) return undefined;
  const value = lookUpBriefly(directory, key);
  if (command === "exists") return value === undefined ? NO : DONE;
  if (value === undefined) {
    writeToStderr("kvs: Key not found\n");
    return NO;
  }
  if (value.length > 0) writeFully(STDOUT, value, STDOUT_NAME);
  return DONE;
}

/** Undefined for whatever is not plain, be it right or wrong. */
function parse(argv: readonly string[], env: Environment): BriefLine | undefined {
  let directory: string | undefined;
  let durability: string | undefined;
  const words: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    if (word === "--dir" && directory === undefined) directory = argv[++at] ?? "";
    else if (word === "--durability" && durability === undefined) durability = argv[++at] ?? "";
    else if (word.startsWith("-") || word.includes(MANGLED)) return undefined;
    else words.push(word);
  }
  for (const name of Object.keys(env)) {
    if (!name.startsWith("KVS_")) continue;
    if (name === "KVS_DIR") directory ??= env[name];
    else if (name === "KVS_DURABILITY") durability ??= env[name];
    else return undefined;
  }
  return check(words, directory ?? DEFAULT_DIRECTORY, durability ?? "sync");
}

function check(
  [command, key, ...rest]: readonly string[],
  directory: string,
  durability: string,
): BriefLine | undefined {
  if (key === undefined || (durability !== "sync" && durability !== "os")) return undefined;
  if (directory === "" || directory.includes("://") || directory.includes(MANGLED)) return undefined;
  const [value] = rest;
  // Messages name files without it.
  const plain = directory.length > 1 && directory.endsWith("/") ? directory.slice(0, -1) : directory;
  if (command === "set" && value !== undefined && rest.length === 1)
    return { command, key, value, directory: plain, durability };
  if ((command !== "get" && command !== "exists") || value !== undefined) return undefined;
  return { command, key, value: "", directory: plain, durability };
}
