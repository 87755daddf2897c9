import { KvsError } from "../format/errors.ts";
import { decodeUtf8 } from "../format/key.ts";

/** What stands for each byte; undefined where the byte stands for itself. */
type EscapeTable = ReadonlyArray<string | undefined>;

const NAMED: ReadonlyArray<readonly [character: string, escape: string]> = [
  ["\\", "\\\\"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\r", "\\r"],
];
const LINE_BYTES: readonly number[] = NAMED.map(([character]) => character.charCodeAt(0));
const BACKSLASH = 0x5c;
const HEX_ESCAPE_LENGTH: number = "\\x00".length;
const C1_CONTROLS = /[\u0080-\u009f]/g;

const LINE = buildTable(() => false);
const TERMINAL_LINE = buildTable(isControl);
const TERMINAL_LINE_BINARY = buildTable((byte) => isControl(byte) || byte >= 0x80);
const TERMINAL_TEXT = asText(TERMINAL_LINE);
const TERMINAL_TEXT_BINARY = asText(TERMINAL_LINE_BINARY);

/** Escapes what would break a record of tab-separated lines: backslash, tab, newline, return. */
export function escapeLine(bytes: Uint8Array): Uint8Array {
  // Most lines hold nothing of the kind: to find that out byte by byte takes 10 us for a kilobyte.
  return LINE_BYTES.some((byte) => bytes.includes(byte)) ? escape(bytes, LINE) : bytes;
}

/** What `escapeLine` or `escapeLineForTerminal` was given; throws `UNDECODABLE_RECORD` for what neither writes. */
export function unescapeLine(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(BACKSLASH)) return bytes;
  // What is escaped is longer than what it stands for.
  const plain = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte !== BACKSLASH) {
      plain[length++] = byte;
      continue;
    }
    const text = String.fromCharCode(...bytes.subarray(at, at + HEX_ESCAPE_LENGTH));
    const named = NAMED.find(([, name]) => text.startsWith(name));
    plain[length++] = named === undefined ? byteOf(text) : named[0].charCodeAt(0);
    at += (named === undefined ? HEX_ESCAPE_LENGTH : named[1].length) - 1;
  }
  return plain.subarray(0, length);
}

function byteOf(text: string): number {
  if (/^\\x[0-9a-f]{2}$/i.test(text)) return Number.parseInt(text.slice(2), 16);
  throw new KvsError(
    "UNDECODABLE_RECORD",
    `"${text.slice(0, 2)}" is no escape, a backslash is written as "\\\\"`,
  );
}

/** Like `escapeLine`, and escapes what would move a terminal's cursor. */
export function escapeLineForTerminal(bytes: Uint8Array): Uint8Array {
  const safe = withoutC1(bytes);
  return safe === undefined ? escape(bytes, TERMINAL_LINE_BINARY) : escapeText(safe, TERMINAL_LINE);
}

/** Escapes control bytes other than tab and newline: for reading, not for reading back. */
export function escapeTextForTerminal(bytes: Uint8Array): Uint8Array {
  const safe = withoutC1(bytes);
  return safe === undefined ? escape(bytes, TERMINAL_TEXT_BINARY) : escapeText(safe, TERMINAL_TEXT);
}

/** Text in parts: those at odd places are escapes already. Undefined for bytes that are not UTF-8. */
function withoutC1(bytes: Uint8Array): string[] | undefined {
  const text = decodeUtf8(bytes);
  if (text === undefined) return undefined;
  const parts: string[] = [];
  let end = 0;
  for (const match of text.matchAll(C1_CONTROLS)) {
    parts.push(text.slice(end, match.index), `\\xc2${hex(match[0].charCodeAt(0))}`);
    end = match.index + 1;
  }
  return [...parts, text.slice(end)];
}

function escapeText(parts: readonly string[], table: EscapeTable): Uint8Array {
  return Buffer.concat(
    parts.map((part, at) => (at % 2 === 1 ? Buffer.from(part) : escape(Buffer.from(part), table))),
  );
}

function escape(bytes: Uint8Array, table: EscapeTable): Uint8Array {
  const first = bytes.findIndex((byte) => table[byte] !== undefined);
  if (first < 0) return bytes;
  let escaped = "";
  for (const byte of bytes) escaped += table[byte] ?? String.fromCharCode(byte);
  return Buffer.from(escaped, "latin1");
}

function buildTable(isHidden: (byte: number) => boolean): EscapeTable {
  const table = Array.from({ length: 256 }, (_, byte) => (isHidden(byte) ? hex(byte) : undefined));
  for (const [character, named] of NAMED) table[character.charCodeAt(0)] = named;
  return table;
}

/** A table for text of several lines, which is not read back: backslash, tab and newline are themselves. */
function asText(table: EscapeTable): EscapeTable {
  const kept = new Set(["\\", "\t", "\n"].map((character) => character.charCodeAt(0)));
  return table.map((escaped, byte) => (kept.has(byte) ? undefined : escaped));
}

function isControl(byte: number): boolean {
  return byte < 0x20 || byte === 0x7f;
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
