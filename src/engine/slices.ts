/** Work that is done in steps lets the event loop go on after so many milliseconds. */
const SLICE_MS = 5;

/**
 * Runs work to its end, letting others have their turn between its steps. Once
 * `signal` is aborted the work is given up, cleans up, and its reason is thrown.
 */
export async function runInSlices<T>(steps: Generator<void, T>, signal?: AbortSignal): Promise<T> {
  let sliceEnd = performance.now() + SLICE_MS;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const step = steps.next();
      if (step.done === true) return step.value;
      if (performance.now() < sliceEnd) continue;
      // oxlint-disable-next-line no-await-in-loop -- others take their turn here
      await new Promise<void>((resolve) => setImmediate(resolve));
      sliceEnd = performance.now() + SLICE_MS;
    }
  } finally {
    steps.return(undefined as never);
  }
}

/** Runs work at once, to its end or until it is called off: it cleans up then. */
export function runUnlessCalledOff(steps: Generator<void>, isCalledOff: () => boolean): void {
  try {
    while (!isCalledOff() && steps.next().done !== true);
  } finally {
    steps.return(undefined);
  }
}

/** Runs work to its end at once. */
export function runToEnd<T>(steps: Generator<void, T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}
