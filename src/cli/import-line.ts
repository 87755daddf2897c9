import { KvsError } from "../format/errors.ts";
import { commandOf } from "../format/json-command.ts";
import { decodeUtf8 } from "../format/key.ts";
import type { Mutation } from "../format/record.ts";

/*
 * A line of an import is a command, {"Set":{...}} or {"Remove":{...}}, or a
 * record as `list --json` prints it: {"key":..,"value":..}, either of them as
 * "key_base64" or "value_base64", with "expires" in absolute milliseconds.
 */

type Fields = Readonly<Record<string, unknown>>;

const RECORD_FIELDS: ReadonlySet<string> = new Set(["key", "key_base64", "value", "value_base64", "expires"]);

/** What a line asks for; undefined for one that asks for nothing: an empty line, or the header of a log. */
export function parseImportLine(bytes: Uint8Array): Mutation | undefined {
  const text = decodeUtf8(bytes)?.trim();
  if (text === undefined) throw undecodable("it is not UTF-8");
  if (text === "") return undefined;
  const parsed = parseJson(text);
  if (!isFields(parsed)) throw undecodable("it is not a JSON object");
  if (isLogHeader(parsed)) return undefined;
  return commandOf(isRecord(parsed) ? asCommand(parsed) : parsed).mutation;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw undecodable("it is not JSON", cause);
  }
}

/** A log of kvs starts with a command that does nothing and describes the log. */
function isLogHeader(parsed: Fields): boolean {
  const removed = parsed["Remove"];
  return isFields(removed) && removed["key"] === "" && isFields(removed["kvs"]);
}

function isRecord(parsed: Fields): boolean {
  return Object.hasOwn(parsed, "key") || Object.hasOwn(parsed, "key_base64");
}

function asCommand(record: Fields): Fields {
  for (const name of Object.keys(record)) {
    if (!RECORD_FIELDS.has(name)) throw undecodable(`"${name}" is no field of a record`);
  }
  const [key, keyEncoding] = fieldOf(record, "key");
  const [value, encoding] = fieldOf(record, "value");
  return { Set: { key, keyEncoding, value, encoding, expires: record["expires"] } };
}

function fieldOf(record: Fields, name: string): [value: unknown, encoding: "base64" | undefined] {
  const encoded = `${name}_base64`;
  if (!Object.hasOwn(record, encoded)) return [record[name], undefined];
  if (Object.hasOwn(record, name)) throw undecodable(`it has both "${name}" and "${encoded}"`);
  return [record[encoded], "base64"];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function undecodable(reason: string, cause?: unknown): KvsError {
  return new KvsError("UNDECODABLE_RECORD", `Cannot decode line: ${reason}`, { cause });
}
