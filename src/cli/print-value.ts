import type { Awaitable } from "./client.ts";
import { describe } from "./descriptor.ts";
import type { Output } from "./output.ts";
import { STDOUT, isTerminal } from "./terminal.ts";

const NEWLINE = 0x0a;

/** Prints a value: its exact bytes, unless the reader is a person at a terminal. */
export function printValue(
  out: Output,
  value: Uint8Array,
  { newline }: { readonly newline: boolean },
): Awaitable<void> {
  const bytes = newline ? withNewline(value) : value;
  if (describe(STDOUT).mayBeTerminal) return printUnlessTerminal(out, bytes);
  out.write(bytes);
}

async function printUnlessTerminal(out: Output, value: Uint8Array): Promise<void> {
  if (!(await isTerminal(STDOUT))) {
    out.write(value);
    return;
  }
  const { escapeTextForTerminal } = await import("./slow-path.ts");
  out.write(withNewline(escapeTextForTerminal(value)));
}

/** The value, with a newline at its end if it lacks one. */
export function withNewline(value: Uint8Array): Uint8Array {
  return value.at(-1) === NEWLINE ? value : Buffer.concat([value, Buffer.from([NEWLINE])]);
}
