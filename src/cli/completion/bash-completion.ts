import type { Command } from "../command.ts";
import { type Completion, complete } from "./candidates.ts";
import { type OpenWord, type Quote, quoteText, splitWords, type Word } from "./shell-words.ts";

const ASSIGNMENT = /^\w+=/;

/**
 * What bash may put at the cursor. Bash hands over the line as it was typed, and
 * takes what it gets as it is: quotes are undone and made here. A word whose value
 * only bash could find out is not completed, and decides nothing else.
 */
export async function completeBash(
  line: string,
  breaks: string,
  commands: readonly Command[],
): Promise<Completion> {
  const { words, current, isRedirected } = splitWords(line, { breaks, operators: true });
  if (isRedirected) return { kind: "files" };
  const start = words.findIndex(({ text }) => !ASSIGNMENT.test(text)) + 1;
  const typed = words.slice(start);
  if (start === 0 || current.expands || typed.some(isUnknown)) return { kind: "words", candidates: [] };
  const completion = await complete(
    { words: typed.map(({ text }) => text), current: current.text },
    commands,
  );
  return completion.kind === "words" ? quoteAll(completion, current) : completion;
}

function isUnknown({ expands }: Word): boolean {
  return expands;
}

/** Bash replaces the word from `kept` on. */
function quoteAll(completion: Extract<Completion, { kind: "words" }>, { kept, quote }: OpenWord): Completion {
  const rests = completion.candidates.map(({ word }) => word.slice(kept));
  const quoted = rests.flatMap((rest) => quoteText(rest, quote) ?? []);
  const candidates = withoutSharedBackslash(quoted, quote).map((word) => ({ word }));
  return { kind: "words", candidates };
}

/**
 * Of several candidates, bash types what they have in common, and that must not
 * end between a backslash and its character. Then one of them is written in
 * single quotes, which no other begins with.
 */
function withoutSharedBackslash(quoted: readonly string[], quote: Quote): readonly string[] {
  const common = quoted.reduce(commonStart, quoted[0] ?? "");
  if (quoted.length < 2 || !/(^|[^\\])(\\\\)*\\$/.test(common)) return quoted;
  if (quote === '"') return [];
  const kept = common.length - 1;
  const at = quoted.findIndex((word) => word[common.length] !== "'");
  return quoted.map((word, index) => {
    if (index !== at) return word;
    const rest = word.slice(kept).replace(/\\(.)/gu, "$1");
    return `${word.slice(0, kept)}'${rest.replaceAll("'", "'\\''")}'`;
  });
}

function commonStart(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, length);
}
