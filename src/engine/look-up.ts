import { briefReadingDisk } from "../disk/reading-disk.ts";
import { encodeKey } from "../format/key.ts";
import { Generations } from "./generations.ts";
import { HintReader } from "./hint-reader.ts";
import { TAIL_BYTES } from "./log-options.ts";
import type { Key } from "./options.ts";
import { bytesOf } from "./value.ts";

/**
 * Looks a key up for a process that asks nothing else: as a handle that only reads
 * would, with the part of the engine that does so and no other. A compiled `kvs
 * get` takes 1.8 times as long as a program that prints one line; by way of a
 * handle, which loads all of the engine and `node:fs`, it took 2.2 times.
 *
 * Undefined for a key without a value, also where there is no store. Errors:
 * `CORRUPT`, `UNSUPPORTED_VERSION`, `IO`.
 */
export function lookUp(
  directory: string,
  key: Key,
  { mmap = false }: { readonly mmap?: boolean } = {},
): Uint8Array | undefined {
  const disk = briefReadingDisk();
  const encoded = encodeKey(key);
  const path = disk.absolute(directory);
  const hints = new HintReader(disk, path);
  const generations = new Generations(disk, path, hints, { map: mmap, tailBytes: TAIL_BYTES });
  try {
    generations.reload();
    const record = generations.findLive(encoded, Date.now());
    // A copy: the bytes may be those of a map, which ends with the file.
    return record === undefined ? undefined : bytesOf(record);
  } finally {
    generations.close();
    hints.close();
  }
}
