import type { EncodedKey } from "../format/key.ts";

/** Bytewise order. */
export function compareKeys(a: EncodedKey, b: EncodedKey): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
