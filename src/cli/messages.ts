import { libc } from "../disk/libc.ts";
import { nodeFs } from "../disk/node-fs.ts";

const STDERR = 2;

/** A UTF-16 unit takes at most so many. */
const UTF8_BYTES_PER_UNIT = 3;

/** Writes one message, as one line, to standard error. */
export function writeMessage(text: string): void {
  writeToStderr(`kvs: ${oneLine(text)}\n`);
}

/** Writes to standard error; where that is closed or full, nobody can be told. */
export function writeToStderr(text: string): void {
  try {
    // Not `Buffer.from`: its first call takes a short process a tenth of a millisecond.
    const bytes = Buffer.allocUnsafe(text.length * UTF8_BYTES_PER_UNIT);
    const length = bytes.utf8Write(text, 0);
    if (libc()?.write(STDERR, bytes, length) !== length) nodeFs().writeSync(STDERR, text);
  } catch {
    // Only the exit code is left to speak.
  }
}

/** Names in messages may hold anything; what would move a terminal's cursor is shown instead. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
