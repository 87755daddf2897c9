import type { Key } from "../../engine/options.ts";
import { KvsError } from "../../format/errors.ts";
import { unescapeLine } from "../escapes.ts";
import { UsageError } from "../failures.ts";
import { textIfUtf8 } from "../formats/values.ts";

const TAB = 0x09;
/** Backslashes, and what is not ASCII. */
const NOT_PLAIN = /[^\0-[\]-\x7f]/;

/** What a request of one name is made of. */
export interface RequestShape {
  /** Names of its operands, for messages. The last one may be left out if `optional` is set. */
  readonly operands: readonly string[];
  readonly optional?: true;
  /** Flags that may follow the operands; those that end in `=` take a value. */
  readonly flags?: readonly string[];
}

/** Values of flags by their names; empty for a flag without one. */
export type Flags = ReadonlyMap<string, Key>;

const NO_FLAGS: Flags = new Map();

/**
 * The fields of a line, the request's name first. They are text, so that a JSON
 * log shows them as such, unless they are not UTF-8.
 */
export function splitFields(line: Buffer): Key[] {
  const text = line.latin1Slice();
  if (!NOT_PLAIN.test(text)) return text.split("\t");
  const fields: Key[] = [];
  for (let start = 0; start <= line.length;) {
    const tab = line.indexOf(TAB, start);
    const end = tab < 0 ? line.length : tab;
    fields.push(textIfUtf8(unescape(line.subarray(start, end))));
    start = end + 1;
  }
  return fields;
}

function unescape(field: Buffer): Uint8Array {
  try {
    return unescapeLine(field);
  } catch (error) {
    throw error instanceof KvsError ? new UsageError(`Cannot read field: ${error.message}`) : error;
  }
}

/** The flags behind the operands of a request that fits its shape. */
export function checkRequest(fields: readonly Key[], shape: RequestShape): Flags {
  const { operands, optional = false, flags = [] } = shape;
  const given = fields.length - 1;
  if (given < (optional ? operands.length - 1 : operands.length)) {
    throw new UsageError(`Missing ${operands[given]}`);
  }
  return given <= operands.length ? NO_FLAGS : readFlags(fields.slice(1 + operands.length), flags);
}

function readFlags(fields: readonly Key[], known: readonly string[]): Flags {
  const flags = new Map<string, Key>();
  for (const field of fields) {
    const [name, value] = splitFlag(Buffer.from(field));
    if (!known.includes(name)) throw new UsageError(`Unexpected field "${textOf(field)}"`);
    if (flags.has(name)) throw new UsageError(`Flag ${name} is given twice`);
    flags.set(name, value);
  }
  return flags;
}

function splitFlag(field: Buffer): [name: string, value: Key] {
  const end = field.indexOf("=") + 1;
  if (end === 0) return [field.toString(), ""];
  return [field.subarray(0, end).toString(), textIfUtf8(field.subarray(end))];
}

/** A field that must be text. */
export function textOf(field: Key): string {
  return typeof field === "string" ? field : Buffer.from(field).toString();
}
