import { KvsError } from "../format/errors.ts";
import { decodeUtf8 } from "../format/key.ts";
import { MAX_VALUE_BYTES } from "../format/limits.ts";
import type { StoredRecord } from "../format/record.ts";
import type { Value } from "./options.ts";

/** Checks a value where it enters: well-formed, if it is text, and within the limit. */
export function checkValue(value: Value): void {
  if (typeof value === "string") {
    if (!value.isWellFormed())
      throw new KvsError("INVALID_ARGUMENT", "Cannot store value: it holds a lone surrogate");
    // Cheap for nearly all: a UTF-16 unit is at most three bytes of UTF-8.
    if (value.length * 3 > MAX_VALUE_BYTES) checkLength(Buffer.byteLength(value));
    return;
  }
  if (!(value instanceof Uint8Array)) {
    const found = value === null ? "null" : typeof value;
    throw new KvsError(
      "INVALID_ARGUMENT",
      `Cannot store value: it is ${found}, expected a string or a Uint8Array`,
    );
  }
  checkLength(value.length);
}

/** The value as text; `NOT_UTF8` if it is none. */
export function textOf(record: StoredRecord): string {
  return textOrThrow(record.text());
}

/** A value that a caller gave, as text; `NOT_UTF8` if it is none. */
export function textOfValue(value: Value): string {
  return textOrThrow(typeof value === "string" ? value : decodeUtf8(value));
}

function textOrThrow(text: string | undefined): string {
  if (text !== undefined) return text;
  throw new KvsError("NOT_UTF8", "Cannot read value as text: it is not UTF-8, getBytes returns it");
}

/** The value's bytes, in an array of the caller's own. */
export function bytesOf(record: StoredRecord): Uint8Array {
  return new Uint8Array(record.value);
}

/** True when the record's value is this one, byte for byte. */
export function hasValue(record: StoredRecord, value: Value): boolean {
  return record.value.equals(typeof value === "string" ? Buffer.from(value) : value);
}

/** A value behind another: text stays text. */
export function joinValues(record: StoredRecord, suffix: Value): Value {
  const addition = typeof suffix === "string" ? Buffer.from(suffix) : suffix;
  checkLength(record.value.length + addition.length);
  return Buffer.concat([record.value, addition]);
}

function checkLength(bytes: number): void {
  if (bytes <= MAX_VALUE_BYTES) return;
  throw new KvsError(
    "INVALID_ARGUMENT",
    `Cannot store value: it is ${bytes} bytes, at most ${MAX_VALUE_BYTES} are possible`,
  );
}
