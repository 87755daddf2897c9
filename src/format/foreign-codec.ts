import type { LogCodec } from "./codec.ts";
import { decodeCommand, incompleteFrame, jsonCodec, parseCommandBytes, scannerBy } from "./json-codec.ts";
import { KvsError } from "./errors.ts";
import type { ParsedFrame } from "./record.ts";

/*
 * The logs of the original kvs: the two commands, nothing between them or white
 * space, no header and no seal. Nothing but these two is taken for a command,
 * token by token: so an end that breaks off is told from damage, which would
 * swallow everything behind it if only brackets were counted.
 */
const STRING = "string";

const SET: readonly string[] = tokens('{ "Set" : { "key" : string , "value" : string } }');
const REMOVE: readonly string[] = tokens('{ "Remove" : { "key" : string } }');
/** Which of the two it is shows here. */
const NAME_TOKEN = 1;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const S = 0x53;

/** Instead of an end: the bytes stop in the middle of a command, or are none. */
const BREAKS_OFF = -1;
const NO_COMMAND = -2;

/** The codec of logs of the original kvs: what it does not do otherwise than that of our JSON logs is as well done for these. */
export const foreignCodec: LogCodec = {
  ...jsonCodec,
  endsInSeal: false,
  parseFrame,
  scanFrame: scannerBy(parseFrame),
  decodeRecord: (bytes, position, start = 0, end = bytes.length) =>
    decodeCommand(bytes, position, start, end),
  endOfRecord: (bytes, start) => {
    const end = endOfCommand(bytes, start);
    return end < 0 ? undefined : end;
  },
};

/** Whether a log that starts so is one of the original kvs; an empty one is, and one that holds no whole command. */
export function startsAsForeign(bytes: Buffer): boolean {
  if (bytes.length === 0) return true;
  return bytes[0] !== 0 && endOfCommand(bytes, skipSpace(bytes, 0)) !== NO_COMMAND;
}

function parseFrame(bytes: Buffer, offset: number, position: number): ParsedFrame {
  const start = skipSpace(bytes, offset);
  const end = endOfCommand(bytes, start);
  if (end === BREAKS_OFF) return incompleteFrame(bytes.length - offset);
  const command = end === NO_COMMAND ? undefined : parseCommandBytes(bytes.subarray(start, end));
  if (command === undefined) return { status: "damaged", reason: "what stands there is not a command" };
  if (command instanceof KvsError) return { status: "damaged", reason: reasonOf(command) };
  const { key, kind, expiresAt } = command.mutation;
  const at = position + start - offset;
  const record = { key, position: at, length: end - start, kind, expiresAt, checksum: 0 };
  return { status: "records", length: end - offset, records: [record] };
}

function reasonOf({ message }: KvsError): string {
  return `a command cannot be used (${message})`;
}

function tokens(command: string): readonly string[] {
  return command.split(" ");
}

/** Where the command that starts at `start` ends; `BREAKS_OFF` or `NO_COMMAND` where it does not. */
function endOfCommand(bytes: Buffer, start: number): number {
  let at = start;
  let expected = REMOVE;
  for (let index = 0; index < expected.length; index += 1) {
    at = skipSpace(bytes, at);
    if (index === NAME_TOKEN && bytes[at + 1] === S) expected = SET;
    at = endOfToken(bytes, at, expected[index] ?? "");
    if (at < 0) return at;
  }
  return at;
}

function endOfToken(bytes: Buffer, start: number, token: string): number {
  if (token === STRING) return endOfString(bytes, start);
  for (let index = 0; index < token.length; index += 1) {
    const byte = bytes[start + index];
    if (byte !== token.charCodeAt(index)) return breakAt(bytes, start + index);
  }
  return start + token.length;
}

function endOfString(bytes: Buffer, start: number): number {
  if (bytes[start] !== QUOTE) return breakAt(bytes, start);
  let at = start + 1;
  for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[at]) {
    // Control characters are escaped: one that is not means that the string was damaged before it.
    if (byte === undefined || byte < SPACE) return breakAt(bytes, at);
    at += byte === BACKSLASH ? 2 : 1;
  }
  return at + 1;
}

/** What it means that a byte is not as expected: nothing follows but what a power cut may leave, zeros, or something does. */
function breakAt(bytes: Buffer, start: number): number {
  for (let at = start; at < bytes.length; at += 1) if (bytes[at] !== 0) return NO_COMMAND;
  return BREAKS_OFF;
}

function skipSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (isSpace(bytes[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
