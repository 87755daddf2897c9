import type { ReadableFile, ReadingDisk } from "../disk/disk.ts";
import { LOCK_NAME } from "../disk/file-names.ts";
import { KvsError } from "../format/errors.ts";
import { HINT_BYTES } from "../format/hint.ts";
import type { EncodedKey } from "../format/key.ts";
import type { StoredRecord } from "../format/record.ts";
import { closeQuietly } from "./close-quietly.ts";
import { findSettled, openPart, openSettled, Unsettled } from "./settled-store.ts";

/** The newest record of a key, a removal too, in a store that is settled; throws `Unsettled` where it is not, or is damaged. */
export function lookUpSettled(
  disk: ReadingDisk,
  directory: string,
  key: EncodedKey,
): StoredRecord | undefined {
  const files: ReadableFile[] = [];
  try {
    const hint = openPart(disk, `${directory}/${LOCK_NAME}`, files).read(0, HINT_BYTES);
    return findSettled(openSettled(disk, directory, hint, files), key, files);
  } catch (error) {
    throw error instanceof KvsError ? new Unsettled() : error;
  } finally {
    for (const file of files) closeQuietly(() => file.close());
  }
}
