import type { UnknownFlag } from "./argv.ts";
import type { ArgSpec, Command } from "./command.ts";
import { UsageError } from "./failures.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";

/** The error for a command that does not exist. */
export function unknownCommand(name: string, commands: readonly Command[]): UsageError {
  return new UsageError(
    `Unknown command "${name}"${suggestion(
      name,
      commands.map(({ meta }) => meta.name),
    )}`,
  );
}

/** The message for a flag that does not exist. */
export function unknownFlagMessage(error: UnknownFlag, command: Command | undefined): string {
  const flags = Object.entries<ArgSpec>({ ...GLOBAL_FLAGS, ...command?.args });
  const known = flags.filter(([, arg]) => arg.type !== "positional").map(([name]) => name);
  return error.message + suggestion(error.flag.replace(/^-+/, ""), known, "--");
}

function suggestion(given: string, known: readonly string[], sign = ""): string {
  const best = nearest(given, known);
  return best === undefined ? "" : `, did you mean "${sign}${best}"?`;
}

/** Edits that a mistyped word may take: a third of its letters, and one in any case. */
const LETTERS_AN_EDIT = 3;

/** The known word that takes the fewest edits, if those are few for its length. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const word of known) {
    // All that is known is written small.
    const edits = editDistance(given.toLowerCase(), word);
    if (edits < fewest && edits <= Math.max(1, Math.floor(word.length / LETTERS_AN_EDIT))) {
      best = word;
      fewest = edits;
    }
  }
  return best;
}

/** Levenshtein distance, where two neighbours that changed places count as one edit. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replace = at(last, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const swap = swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(replace, swap, at(last, column) + 1, at(current, column - 1) + 1));
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
