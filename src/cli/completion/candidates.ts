import type { ArgsSpec, Command } from "../command.ts";
import { Context } from "../context.ts";
import { decodeUtf8 } from "../../format/key.ts";
import { resolveSettings } from "../settings.ts";
import { type Expected, type Typed, TypedLine } from "./typed-line.ts";

/** A word that may stand at the cursor. */
export interface Candidate {
  readonly word: string;
  readonly description?: string;
}

/** What may stand at the cursor: one of some words, or a path, which shells know best. */
export type Completion =
  | { readonly kind: "words"; readonly candidates: readonly Candidate[] }
  | { readonly kind: "files" | "directories" };

const NOTHING: Completion = { kind: "words", candidates: [] };
const FILES: Completion = { kind: "files" };
const DIRECTORIES: Completion = { kind: "directories" };

/** More than these nobody reads, and each key tab takes time. */
const MOST_KEYS = 1000;
const MOST_KEYS_READ = 10_000;

/** Characters that cannot be typed or seen: a key that holds one is not offered. */
const UNTYPABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/**
 * What may stand at the cursor. Never throws: somebody who types a command line
 * is not to be told what is wrong with the store.
 */
export async function complete(typed: Typed, commands: readonly Command[]): Promise<Completion> {
  try {
    const line = new TypedLine(typed, commands);
    return await completionOf(line, typed.current, commands);
  } catch {
    return NOTHING;
  }
}

async function completionOf(
  line: TypedLine,
  current: string,
  commands: readonly Command[],
): Promise<Completion> {
  const { expected } = line;
  const keys = async (prefix: string): Promise<string[]> => await keysOf(line.values, prefix);
  switch (expected.kind) {
    case "nothing":
      return NOTHING;
    case "command":
      return matching(commandCandidates(commands), current);
    case "flag":
      return matching(flagCandidates(expected.spec), current);
    case "value":
      return await completeValue(expected, current, keys);
    case "operand":
      if (expected.name === "key") {
        const found = await keys(current);
        // One that looks like a flag would be taken for one.
        return matching(wordsOf(line.isLiteral ? found : found.filter((key) => !key.startsWith("-"))), "");
      }
      if (expected.name === "command") return matching(commandCandidates(commands), current);
      if (expected.spec.choices !== undefined) return matching(wordsOf(expected.spec.choices), current);
      return FILE_OPERANDS.has(expected.name) ? FILES : NOTHING;
  }
}

const FILE_OPERANDS: ReadonlySet<string> = new Set(["file", "dest", "src"]);
const KEY_HINTS: ReadonlySet<string> = new Set(["KEY", "P"]);
const FILE_HINTS: ReadonlySet<string> = new Set(["FILE", "PATH"]);

async function completeValue(
  { spec, attached }: Extract<Expected, { kind: "value" }>,
  current: string,
  keys: (prefix: string) => Promise<string[]>,
): Promise<Completion> {
  const { valueHint } = spec;
  if (valueHint === "DIR") return DIRECTORIES;
  if (FILE_HINTS.has(valueHint)) return FILES;
  const isChoice = valueHint.includes("|");
  if (!isChoice && !KEY_HINTS.has(valueHint)) return NOTHING;
  const values = isChoice ? valueHint.split("|") : await keys(current.slice(attached.length));
  return matching(wordsOf(values.map((value) => attached + value)), current);
}

function matching(candidates: readonly Candidate[], current: string): Completion {
  return { kind: "words", candidates: candidates.filter(({ word }) => word.startsWith(current)) };
}

function wordsOf(words: readonly string[]): Candidate[] {
  return words.map((word) => ({ word }));
}

function commandCandidates(commands: readonly Command[]): Candidate[] {
  return commands.map(({ meta }) => ({ word: meta.name, description: meta.description }));
}

function flagCandidates(spec: ArgsSpec): Candidate[] {
  return Object.entries(spec).flatMap(([name, arg]): Candidate[] =>
    arg.type === "positional" ? [] : [{ word: `--${name}`, description: arg.description }],
  );
}

/** The keys that can be typed, of the store that the line so far, or else the environment, names. */
async function keysOf(values: TypedLine["values"], prefix: string): Promise<string[]> {
  const settings = resolveSettings({ ...values, dir: directoryOf(values["dir"]) }, process.env);
  const context = new Context(settings, { literal: new Set(), brief: true });
  try {
    const client = await context.open("read");
    const found: string[] = [];
    for await (const bytes of client?.keys({ prefix, limit: MOST_KEYS_READ }) ?? []) {
      const key = decodeUtf8(bytes);
      if (key !== undefined && key !== "" && !UNTYPABLE.test(key)) found.push(key);
      if (found.length === MOST_KEYS) break;
    }
    return found;
  } finally {
    await context.close();
  }
}

/** The one thing that shells expand in a path and that needs no evaluation. */
function directoryOf(typed: string | undefined): string | undefined {
  const home = process.env["HOME"];
  return typed?.startsWith("~/") === true && home !== undefined ? home + typed.slice(1) : typed;
}
