import { KvsError } from "./errors.ts";
import { decodeKey, decodeUtf8, encodeKey, keyBytes } from "./key.ts";
import type { Mutation } from "./record.ts";

/*
 * {"Set":{"key":"k","value":"v"}} and {"Remove":{"key":"k"}}, and what those two
 * cannot hold as further fields inside them, which older readers pass over:
 *
 *   "encoding":"base64"     the value is bytes that are not UTF-8
 *   "keyEncoding":"base64"  the key is
 *   "expires":1700000000000 absolute milliseconds since 1970
 *   "more":true             on every command of a batch but the last
 */

/** A command of a JSON log, or of an import. */
export interface JsonCommand {
  readonly mutation: Mutation;
  /** The batch goes on with the next command. */
  readonly more: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Renders a mutation as one command, without the line's end. */
export function formatCommand(
  mutation: Mutation,
  options: { readonly more: boolean } = { more: false },
): string {
  try {
    return render(mutation, options);
  } catch (cause) {
    // Escapes make six characters of one: there are values that JavaScript has no string for then.
    throw new KvsError("INVALID_ARGUMENT", "Cannot write command: it is too long as JSON", { cause });
  }
}

function render(mutation: Mutation, options: { readonly more: boolean }): string {
  const { kind, value, expiresAt } = mutation;
  const key = decodeKey(mutation.key);
  // Put together by hand: half of the time would go into objects that are only there to be rendered.
  let fields = `"key":${JSON.stringify(key ?? keyBytes(mutation.key).toString("base64"))}`;
  if (kind === "put") fields += renderValue(value);
  if (key === undefined) fields += ',"keyEncoding":"base64"';
  if (expiresAt !== 0) fields += `,"expires":${expiresAt}`;
  if (options.more) fields += ',"more":true';
  return `{"${kind === "put" ? "Set" : "Remove"}":{${fields}}}`;
}

/**
 * Parses one command. Unknown fields inside it are passed over, as the first
 * readers of this format do.
 *
 * Throws `UNDECODABLE_RECORD` for what is not a JSON object, and
 * `UNEXPECTED_COMMAND` for one that is not exactly one of the two commands.
 */
export function parseCommand(text: string): JsonCommand {
  const parsed = parseJson(text);
  if (!isFields(parsed))
    throw new KvsError("UNDECODABLE_RECORD", "Cannot decode command: it is not a JSON object");
  return commandOf(parsed);
}

/** Like `parseCommand`, for an object that was parsed already. */
export function commandOf(parsed: Fields): JsonCommand {
  const names = Object.keys(parsed);
  const name = names[0];
  const fields = name === undefined ? undefined : parsed[name];
  if (names.length !== 1 || (name !== "Set" && name !== "Remove") || !isFields(fields)) {
    throw unexpected('expected {"Set":{...}} or {"Remove":{...}}');
  }
  const key = decodeField(fields, "key", "keyEncoding");
  const mutation: Mutation = {
    kind: name === "Set" ? "put" : "remove",
    key: encodeKey(key),
    value: name === "Set" ? decodeField(fields, "value", "encoding") : "",
    expiresAt: expiryOf(fields["expires"]),
  };
  return { mutation, more: fields["more"] === true };
}

function renderValue(value: string | Uint8Array): string {
  const text = typeof value === "string" ? value : decodeUtf8(value);
  if (text !== undefined) return `,"value":${JSON.stringify(text)}`;
  const bytes = value as Uint8Array;
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return `,"value":"${base64}","encoding":"base64"`;
}

function decodeField(fields: Fields, name: string, encodingName: string): string | Uint8Array {
  const text = fields[name];
  const encoding = fields[encodingName];
  if (typeof text !== "string") throw unexpected(`"${name}" is not a string`);
  if (encoding === undefined) {
    if (text.isWellFormed()) return text;
    throw unexpected(`"${name}" holds a lone surrogate`);
  }
  if (encoding !== "base64")
    throw unexpected(`"${encodingName}" is ${JSON.stringify(encoding)}, expected "base64"`);
  return decodeBase64(text, name);
}

/** Decodes base64 strictly: Node's decoder passes over what it does not know. */
function decodeBase64(text: string, name: string): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw unexpected(`"${name}" is not base64`);
  return bytes;
}

function expiryOf(expires: unknown): number {
  if (expires === undefined) return 0;
  if (typeof expires === "number" && Number.isSafeInteger(expires) && expires > 0) return expires;
  throw unexpected(`"expires" is ${JSON.stringify(expires)}, expected milliseconds since 1970`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KvsError("UNDECODABLE_RECORD", "Cannot decode command: it is not JSON", { cause });
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unexpected(what: string): KvsError {
  return new KvsError("UNEXPECTED_COMMAND", `Cannot use command: ${what}`);
}
