import { libc } from "../disk/libc.ts";
import { nodeFs } from "../disk/node-fs.ts";

const STDERR = 2;

/** Writes one message, as one line, to standard error. */
export function writeMessage(text: string): void {
  writeToStderr(`kvs: ${oneLine(text)}\n`);
}

/** Writes to standard error; where that is closed or full, nobody can be told. */
export function writeToStderr(text: string): void {
  try {
    const bytes = Buffer.from(text);
    if (libc()?.write(STDERR, bytes, bytes.length) !== bytes.length) nodeFs().writeSync(STDERR, text);
  } catch {
    // Only the exit code is left to speak.
  }
}

/** Names in messages may hold anything; what would move a terminal's cursor is shown instead. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
