import type * as Jsc from "bun:jsc";

/** What a record that was read or written leaves behind beside its bytes. */
const OBJECT_BYTES = 256;

/** Garbage is collected after so much. */
const COLLECTED_BYTES: number = 16 * 1024 * 1024;

/** Records from this size on are large: hundreds of them can be garbage before a small collection frees the first. */
const LARGE_RECORD_BYTES: number = 64 * 1024;

/** All garbage is collected after so much that large records have left ... */
const FULLY_COLLECTED_BYTES: number = 128 * 1024 * 1024;

/** ... unless that takes more than this part of the program's time, since it has many objects of its own. */
const MOST_COLLECTING: number = 1 / 10;

let garbageBytes = 0;
let largeBytes = 0;
/** When the last full collection ended and how long it took, by `performance.now()`. */
let fullEnd = 0;
let fullTime = 0;

/**
 * Notes that a record of so many bytes was read or written. JavaScriptCore takes
 * mapped files and indexes in memory for a part of its heap, and lets garbage grow
 * with the heap: a loop of lookups in 1.5 GB of logs gathered 4 GB of it, and
 * gathers 60 MiB now. What is asked for is its small collection, beside the
 * program: no slower, also with six million objects of the program's own.
 */
export function noteGarbage(bytes: number): void {
  garbageBytes += bytes + OBJECT_BYTES;
  if (bytes >= LARGE_RECORD_BYTES) noteLarge(bytes);
  if (garbageBytes < COLLECTED_BYTES) return;
  garbageBytes = 0;
  Bun.gc(false);
}

/**
 * Its small collection frees texts only together with the block of objects that they
 * are in, and a block of large ones is hundreds of megabytes: a loop of lookups of
 * 5 MiB each gathered 3 GB, and gathers 300 MiB now.
 */
function noteLarge(bytes: number): void {
  largeBytes += bytes;
  if (largeBytes < FULLY_COLLECTED_BYTES) return;
  const start = performance.now();
  if (start - fullEnd < fullTime / MOST_COLLECTING) return;
  largeBytes = 0;
  collectFully();
  fullEnd = performance.now();
  fullTime = fullEnd - start;
}

/** Loaded by the first who needs it: that takes time. */
function collectFully(): void {
  const { fullGC } = process.getBuiltinModule("bun:jsc") as unknown as typeof Jsc;
  fullGC();
}
