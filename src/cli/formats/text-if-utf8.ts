import { decodeUtf8 } from "../../format/key.ts";

/** Formats that do not tell text from bytes: what can be text is text. */
export function textIfUtf8(bytes: Uint8Array): string | Uint8Array {
  return decodeUtf8(bytes) ?? bytes;
}
