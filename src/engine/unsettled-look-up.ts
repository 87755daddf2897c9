import type { ReadingDisk } from "../disk/disk.ts";
import type { EncodedKey } from "../format/key.ts";
import { Generations } from "./generations.ts";
import { HintReader } from "./hint-reader.ts";
import { TAIL_BYTES } from "./log-options.ts";
import { bytesOf } from "./value.ts";

/**
 * Looks a key up with the part of the engine that only reads: whatever is under way
 * in the store, left over or damaged is told as a handle would. Undefined for a key
 * without a value, also where there is no store.
 */
export function findUnsettled(disk: ReadingDisk, directory: string, key: EncodedKey): Uint8Array | undefined {
  const path = disk.absolute(directory);
  const hints = new HintReader(disk, path);
  const generations = new Generations(disk, path, hints, { map: false, tailBytes: TAIL_BYTES });
  try {
    generations.reload();
    const record = generations.findLive(key, Date.now());
    return record === undefined ? undefined : bytesOf(record);
  } finally {
    generations.close();
    hints.close();
  }
}
