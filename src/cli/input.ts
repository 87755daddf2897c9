import { ByteWriter } from "../format/bytes.ts";
import { MAX_VALUE_BYTES } from "../format/limits.ts";
import { describe } from "./descriptor.ts";
import { SYSTEM, USAGE } from "./exit-codes.ts";
import { Failure } from "./failures.ts";
import { nodeFs } from "../disk/node-fs.ts";
import { system, systemCode, systemFailure } from "./system-error.ts";
import { STDIN } from "./terminal.ts";

const CHUNK_BYTES = 64 * 1024;
const PAUSE_MS = 5;
/** What messages call it. */
export const STDIN_NAME = "standard input";

/** Where a command's value comes from: the operand, `-`, or `--file`. */
export const VALUE_ARGS = {
  value: { type: "positional", required: false, description: "The value; - reads it from standard input" },
  file: { type: "string", valueHint: "PATH", replaces: "value", description: "Read the value from a file" },
} as const;

/** The value a command was given. After `--`, `-` is a value like any other. */
export function readValue(
  args: { readonly value: string | undefined; readonly file: string | undefined },
  literal: ReadonlySet<string>,
): string | Uint8Array {
  if (args.file !== undefined) return readFile(args.file);
  if (args.value === "-" && !literal.has("value")) return readAll(standardInput(), STDIN_NAME);
  if (args.value === undefined) throw new Error("A value passed the check without being given");
  return args.value;
}

/** The descriptor of standard input. A closed one is not an empty one: nobody meant to say nothing. */
export function standardInput(): number {
  if (describe(STDIN).wasClosed) throw new Failure(SYSTEM, `Cannot read ${STDIN_NAME}: it is closed`);
  return STDIN;
}

function readFile(path: string): Uint8Array {
  const name = `"${path}"`;
  const fd = system(`open ${name}`, () => nodeFs().openSync(path, "r"));
  try {
    return readAll(fd, name);
  } finally {
    nodeFs().closeSync(fd);
  }
}

function readAll(fd: number, name: string): Uint8Array {
  const content = new ByteWriter(CHUNK_BYTES);
  for (;;) {
    const buffer = content.reserve(CHUNK_BYTES);
    const count = readSome(fd, buffer, content.length, name);
    if (count === 0) return content.view();
    content.length += count;
    if (content.length > MAX_VALUE_BYTES) {
      throw new Failure(USAGE, `Cannot use ${name} as a value: it is longer than ${MAX_VALUE_BYTES} bytes`);
    }
  }
}

/** Reads what there is, waiting for a non-blocking pipe; 0 at the end. */
export function readSome(fd: number, buffer: Buffer, offset: number, name: string): number {
  for (;;) {
    try {
      return nodeFs().readSync(fd, buffer, offset, buffer.length - offset, null);
    } catch (error) {
      if (systemCode(error) !== "EAGAIN") throw systemFailure(`read ${name}`, error);
      Bun.sleepSync(PAUSE_MS);
    }
  }
}
