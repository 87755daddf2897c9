/** Half of the 50 ms after which a signal must have been noticed. */
const SLICE_MS = 25;
const STEPS_BETWEEN_CLOCK_READS = 64;

/** A pause for the event loop, taken whenever a slice of time is used up. */
export function breather(): () => Promise<void> | undefined {
  let steps = 0;
  let until = performance.now() + SLICE_MS;
  return () => {
    steps += 1;
    if (steps % STEPS_BETWEEN_CLOCK_READS !== 0 || performance.now() < until) return undefined;
    until = performance.now() + SLICE_MS;
    return new Promise((resolve) => setImmediate(resolve));
  };
}
