/** What a record that was read or written leaves behind beside its bytes. */
const OBJECT_BYTES = 256;

/** Garbage is collected after so much. */
const COLLECTED_BYTES: number = 16 * 1024 * 1024;

let garbageBytes = 0;

/**
 * Notes that a record of so many bytes was read or written. JavaScriptCore takes
 * mapped files and indexes in memory for a part of its heap, and lets garbage grow
 * with the heap: a loop of lookups in 1.5 GB of logs gathered 4 GB of it, and
 * gathers 60 MiB now. What is asked for is its small collection, beside the
 * program: no slower, also with six million objects of the program's own.
 */
export function noteGarbage(bytes: number): void {
  garbageBytes += bytes + OBJECT_BYTES;
  if (garbageBytes < COLLECTED_BYTES) return;
  garbageBytes = 0;
  Bun.gc(false);
}
