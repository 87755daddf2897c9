import type { ReadingDisk } from "../disk/disk.ts";
import { briefReadingDisk } from "../disk/reading-disk.ts";
import { encodeKey, type EncodedKey } from "../format/key.ts";
import type { Key } from "./options.ts";
import { lookUpSettled } from "./settled-look-up.ts";
import { Unsettled } from "./settled-store.ts";

/**
 * Looks a key up for a process that asks nothing else: by a short way in a store
 * that is settled, which most are at most times, else as a handle that only reads would.
 *
 * Undefined for a key without a value, also where there is no store. Errors:
 * `INVALID_ARGUMENT`, `CORRUPT`, `UNSUPPORTED_VERSION`, `IO`.
 */
export function lookUp(
  directory: string,
  key: Key,
): Uint8Array | undefined | Promise<Uint8Array | undefined> {
  const disk = briefReadingDisk();
  const encoded = encodeKey(key);
  try {
    const record = lookUpSettled(disk, directory, encoded);
    if (record?.kind !== "put") return undefined;
    return record.expiresAt === 0 || record.expiresAt > Date.now() ? record.value : undefined;
  } catch (error) {
    if (!(error instanceof Unsettled)) throw error;
    return lookUpUnsettled(disk, directory, encoded);
  }
}

async function lookUpUnsettled(
  disk: ReadingDisk,
  directory: string,
  key: EncodedKey,
): Promise<Uint8Array | undefined> {
  const { findUnsettled } = await import("./unsettled-look-up.ts");
  return findUnsettled(disk, directory, key);
}
