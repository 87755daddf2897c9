import { decodeUtf8 } from "../../format/key.ts";

/** Formats that do not tell text from bytes: what can be text is text. */
export function textIfUtf8(bytes: Uint8Array): string | Uint8Array {
  return decodeUtf8(bytes) ?? bytes;
}

/** A value's bytes. */
export function valueBytes(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? Buffer.from(value) : value;
}
