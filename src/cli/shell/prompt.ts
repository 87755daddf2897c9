import type { Interface } from "node:readline";
import { splitCommand } from "../argv.ts";
import type { Command } from "../command.ts";
import { complete } from "../completion/candidates.ts";
import { quoteText, splitWords } from "../completion/shell-words.ts";
import { GLOBAL_FLAGS } from "../global-flags.ts";
import { writeMessage } from "../messages.ts";
import type { Settings } from "../settings.ts";
import { onSignal } from "../signals.ts";

/** Words as in a shell that expands nothing. */
const SYNTAX = { breaks: "", operators: false };
const LEAVING: ReadonlySet<string> = new Set(["exit", "quit"]);
const HISTORY_LINES = 1000;
/** The place behind a Tab, an Enter, or a Ctrl-D. */
// oxlint-disable-next-line no-control-regex -- keys are control characters
const STARTS_WORK = /(?<=[\t\n\x04]|\r(?!\n))/;

export interface PromptOptions {
  readonly settings: Settings;
  readonly commands: readonly Command[];
  /** Runs one command line; says itself what goes wrong. */
  readonly run: (argv: readonly string[]) => Promise<unknown>;
}

/**
 * Reads command lines from a terminal and runs them, one after the other, until
 * the user leaves. History lasts as long: what is typed may be a secret, so it is
 * written nowhere.
 */
export async function prompt({ settings, commands, run }: PromptOptions): Promise<void> {
  // Loaded here alone: they cost as much as half a short command.
  const { createInterface } = await import("node:readline");
  const { Readable } = await import("node:stream");
  const { stdin, stdout } = process;
  const keys = new Readable({ read: () => undefined });
  // What a key has started: a completion, or a command.
  let work: Promise<void> | undefined;
  let isOver = false;
  const lines = createInterface({
    input: Object.assign(keys, { setRawMode: (isRaw: boolean) => stdin.setRawMode(isRaw) }),
    output: stdout,
    prompt: "kvs> ",
    historySize: HISTORY_LINES,
    completer: (line: string, show: (error: null, found: [string[], string]) => void) => {
      work = completeLine(line, commands).then((found) => show(null, found));
    },
  });
  lines.on("SIGINT", () => dropLine(lines));
  lines.on("close", () => {
    isOver = true;
  });
  lines.on("line", (line) => {
    work = runLine(line);
  });
  passOn(settings);
  let release = leaveTidily(lines);
  lines.prompt();
  for await (const typed of stdin) {
    for (const piece of piecesOf(typed as Buffer)) {
      // Not by `push`, which may keep it for later.
      keys.emit("data", piece);
      // oxlint-disable-next-line no-await-in-loop -- one key after the other
      await work;
      if (isOver) break;
    }
    if (isOver) break;
  }
  release();
  lines.close();

  async function runLine(line: string): Promise<void> {
    const words = readWords(line);
    isOver = LEAVING.has(words?.[0] ?? "");
    if (isOver) return;
    if (words !== undefined && words.length > 0) {
      // While a command runs, the terminal and its signals are the command's.
      release();
      stdin.setRawMode(false);
      await run(withFlags(words, settings));
      stdin.setRawMode(true);
      release = leaveTidily(lines);
    }
    lines.prompt();
  }
}

/** What was typed, cut behind each key that starts work: what came in one read waits for that, too. */
function piecesOf(typed: Buffer): Buffer[] {
  return typed
    .latin1Slice()
    .split(STARTS_WORK)
    .map((piece) => Buffer.from(piece, "latin1"));
}

/** The words of a line; undefined, and a message, where they cannot be told or must not be run. */
function readWords(line: string): readonly string[] | undefined {
  const { words, current } = splitWords(`${line} `, SYNTAX);
  if (current.quote !== "") {
    writeMessage(`A quote is not closed: ${current.quote}`);
    return undefined;
  }
  const texts = words.map(({ text }) => text);
  if (nameOf(texts) !== "shell") return texts;
  writeMessage("This is the shell already");
  return undefined;
}

function nameOf(words: readonly string[]): string | undefined {
  try {
    return splitCommand(words, GLOBAL_FLAGS).name;
  } catch {
    // Whoever runs the words will say what is wrong.
    return undefined;
  }
}

/** What the shell was started with holds for its commands, unless they say otherwise. */
function passOn({ location, waitMs, durability, format, autoCompact }: Settings): void {
  const { env } = process;
  env["KVS_DIR"] = location;
  env["KVS_WAIT"] = `${waitMs}ms`;
  env["KVS_DURABILITY"] = durability;
  env["KVS_FORMAT"] = format;
  env["KVS_AUTO_COMPACT"] = autoCompact ? "on" : "off";
}

/** The flags that no variable stands for. */
function withFlags(words: readonly string[], { quiet, noColor }: Settings): string[] {
  const flags = [quiet && !words.includes("-q") ? "--quiet" : "", noColor ? "--no-color" : ""];
  return [...flags.filter((flag) => flag !== "" && !words.includes(flag)), ...words];
}

function dropLine(lines: Interface): void {
  process.stdout.write("^C\n");
  lines.write(null, { ctrl: true, name: "e" });
  lines.write(null, { ctrl: true, name: "u" });
}

/** Gives the terminal back as it was when a signal ends the shell. Returns how to undo that. */
function leaveTidily(lines: Interface): () => void {
  return onSignal(() => {
    lines.close();
    process.stdin.setRawMode(false);
  });
}

/** What the last word of a line may become, and that word, as they are typed. */
async function completeLine(line: string, commands: readonly Command[]): Promise<[string[], string]> {
  const { words, current } = splitWords(line, SYNTAX);
  const typed = { words: words.map(({ text }) => text), current: current.text };
  const completion = await complete(typed, commands);
  const raw = line.slice(line.length - current.rawLength);
  if (completion.kind !== "words") return [[], raw];
  const start = raw.slice(0, current.keptRawLength);
  const { kept, quote } = current;
  const rests = completion.candidates.flatMap(({ word }) => quoteText(word.slice(kept), quote) ?? []);
  return [rests.map((rest) => `${start}${rest}${quote} `), raw];
}
