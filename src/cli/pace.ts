import { trimMemory } from "../engine/trim-memory.ts";

/** Half of the 50 ms after which a signal must have been noticed. */
const SLICE_MS = 25;
const STEPS_BETWEEN_CLOCK_READS = 64;

/**
 * What passes through leaves garbage, and where there is much memory the collector
 * lets it lie until there is a lot of it: memory is trimmed after so many bytes.
 */
const TRIMMED_BYTES: number = 64 * 1024 * 1024;

/** What a record of any size leaves, about, where it is taken apart: the objects that it is carried in. */
const BYTES_A_RECORD = 1024;

/**
 * Keeps work on many records civil: a pause for the event loop whenever a slice of
 * time is used up, and memory that does not grow. To be told the size of each record.
 */
export function pace(bytesARecord: number = BYTES_A_RECORD): (bytes: number) => Promise<void> | undefined {
  let steps = 0;
  let passed = 0;
  let until = performance.now() + SLICE_MS;
  return (bytes) => {
    steps += 1;
    passed += bytes + bytesARecord;
    if (passed >= TRIMMED_BYTES) {
      passed = 0;
      trimMemory();
    }
    if (steps % STEPS_BETWEEN_CLOCK_READS !== 0 || performance.now() < until) return undefined;
    until = performance.now() + SLICE_MS;
    return new Promise((resolve) => setImmediate(resolve));
  };
}
