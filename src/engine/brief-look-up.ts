import { briefReadingDisk } from "../disk/reading-disk.ts";
import { encodeKey } from "../format/key.ts";
import type { Key } from "./options.ts";
import { lookUpSettled } from "./settled-look-up.ts";

/**
 * The value of a key, for a process that asks nothing else, by the short way; undefined
 * where it has none. Throws `Unsettled` where that cannot be gone and a view of the store
 * has to be made, and `INVALID_ARGUMENT` for what is no key.
 */
export function lookUpBriefly(directory: string, key: Key): Uint8Array | undefined {
  const record = lookUpSettled(briefReadingDisk(), directory, encodeKey(key));
  if (record?.kind !== "put") return undefined;
  return record.expiresAt === 0 || record.expiresAt > Date.now() ? record.value : undefined;
}
