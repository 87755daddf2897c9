import type { Output } from "./output.ts";
import { STDOUT, isTerminal } from "./terminal.ts";

const NEWLINE = 0x0a;

/** Prints a value: its exact bytes, unless the reader is a person at a terminal. */
export async function printValue(
  out: Output,
  value: Uint8Array,
  options: { readonly newline: boolean },
): Promise<void> {
  if (!(await isTerminal(STDOUT))) {
    out.write(options.newline ? withNewline(value) : value);
    return;
  }
  const { escapeTextForTerminal } = await import("./slow-path.ts");
  out.write(withNewline(escapeTextForTerminal(value)));
}

/** The value, with a newline at its end if it lacks one. */
export function withNewline(value: Uint8Array): Uint8Array {
  return value.at(-1) === NEWLINE ? value : Buffer.concat([value, Buffer.from([NEWLINE])]);
}
