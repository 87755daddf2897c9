import { KvsError } from "../format/errors.ts";
import { encodeKey, type EncodedKey } from "../format/key.ts";
import { KNOWN_OPTIONS, type RangeOptions, refuseUnknown, type ScanOptions } from "./options.ts";
import type { KeyRange } from "./runs.ts";

const LAST_CHARACTER = "\xff";

/** The keys that a scan's options ask for, as one range. */
export function rangeOf({ prefix, from, to }: RangeOptions): KeyRange {
  const start = from === undefined ? ("" as EncodedKey) : encodeKey(from);
  const end = to === undefined ? undefined : encodeKey(to);
  if (prefix === undefined) return { from: start, to: end };
  const encoded = encodeKey(prefix);
  const after = afterPrefix(encoded);
  return {
    from: encoded > start ? encoded : start,
    to: end === undefined || (after !== undefined && after < end) ? after : end,
  };
}

/** Refuses what is no option of a scan. */
export function checkScan(options: ScanOptions & { readonly encoding?: string }): void {
  refuseUnknown(options, KNOWN_OPTIONS.scan);
  const { encoding = "utf8" } = options;
  if (encoding === "utf8" || encoding === "bytes") return;
  throw new KvsError("INVALID_ARGUMENT", `Cannot scan: encoding is "${encoding}", expected utf8 or bytes`);
}

/** How many entries a scan may return; anything but a whole number from 0 on is refused. */
export function limitOf({ limit }: ScanOptions): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  throw new KvsError("INVALID_ARGUMENT", `Cannot scan: limit is ${limit}, expected a whole number from 0 on`);
}

/** The first key after all those with a prefix; undefined when there is none. */
function afterPrefix(prefix: EncodedKey): EncodedKey | undefined {
  let end = prefix.length;
  while (end > 0 && prefix[end - 1] === LAST_CHARACTER) end -= 1;
  if (end === 0) return undefined;
  return (prefix.slice(0, end - 1) + String.fromCharCode(prefix.charCodeAt(end - 1) + 1)) as EncodedKey;
}
