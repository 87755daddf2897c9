import { briefReadingDisk } from "../disk/reading-disk.ts";
import { encodeKey } from "../format/key.ts";
import { lookUpBriefly } from "./brief-look-up.ts";
import type { Key } from "./options.ts";
import { Unsettled } from "./settled-store.ts";

/**
 * Looks a key up for a process that asks nothing else: by a short way in a store
 * that is settled, which most are at most times, else as a handle that only reads would.
 *
 * Undefined for a key without a value, also where there is no store. Errors:
 * `INVALID_ARGUMENT`, `CORRUPT`, `UNSUPPORTED_VERSION`, `IO`.
 */
export async function lookUp(directory: string, key: Key): Promise<Uint8Array | undefined> {
  try {
    return lookUpBriefly(directory, key);
  } catch (error) {
    if (!(error instanceof Unsettled)) throw error;
    const { findUnsettled } = await import("./unsettled-look-up.ts");
    return findUnsettled(briefReadingDisk(), directory, encodeKey(key));
  }
}
