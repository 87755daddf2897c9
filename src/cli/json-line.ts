import { decodeUtf8 } from "../format/key.ts";

/** JSON escapes the first 32 control characters only; these reach terminals as well. */
const FURTHER_CONTROLS = /[\u007f-\u009f]/g;

/** One JSON object on one line; a field that is not UTF-8 goes by its name with `_base64`. */
export function jsonLine(fields: { readonly key?: Uint8Array; readonly value?: Uint8Array }): string {
  const parts: string[] = [];
  if (fields.key !== undefined) parts.push(jsonField("key", fields.key));
  if (fields.value !== undefined) parts.push(jsonField("value", fields.value));
  return `{${parts.join(",")}}\n`;
}

function jsonField(name: string, bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text !== undefined) return `"${name}":${visibleJson(text)}`;
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return `"${name}_base64":"${base64}"`;
}

function visibleJson(text: string): string {
  return withoutControls(JSON.stringify(text));
}

/** The same JSON, with no control character in it. */
export function withoutControls(json: string): string {
  return json.replace(FURTHER_CONTROLS, (control) => `\\u00${control.charCodeAt(0).toString(16)}`);
}
