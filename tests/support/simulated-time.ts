/** Time and chance for everything that runs on simulated machines: the same every time. */
export interface SimulatedTime {
  /** What `Date.now` says, in milliseconds. */
  now: number;
}

const START = 1_700_000_000_000;

/** A look at the clock takes so many milliseconds: whoever waits for a deadline meets it. */
const LOOK_MS = 0.001;

/**
 * Runs work under a clock that only moves when it is looked at or slept by, with
 * random numbers that depend on the seed alone.
 */
export async function inSimulatedTime<T>(
  seed: number,
  work: (time: SimulatedTime) => Promise<T>,
): Promise<T> {
  const originals = {
    now: Date.now,
    performanceNow: performance.now.bind(performance),
    random: Math.random,
    sleepSync: Bun.sleepSync,
    sleep: Bun.sleep,
    gc: Bun.gc,
  };
  const time = { now: START };
  let state = seed >>> 0;
  let monotonic = 0;
  const sleep = (ms: number): void => void (monotonic += ms);
  Date.now = () => time.now;
  performance.now = () => (monotonic += LOOK_MS);
  Math.random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  Bun.sleepSync = sleep;
  Bun.sleep = async (ms) => {
    sleep(Number(ms));
    await new Promise(setImmediate);
  };
  Bun.gc = () => undefined;
  Object.defineProperty(crypto, "getRandomValues", { value: fillAtRandom, configurable: true });
  try {
    return await work(time);
  } finally {
    Date.now = originals.now;
    performance.now = originals.performanceNow;
    Math.random = originals.random;
    Bun.sleepSync = originals.sleepSync;
    Bun.sleep = originals.sleep;
    Bun.gc = originals.gc;
    Reflect.deleteProperty(crypto, "getRandomValues");
  }
}

function fillAtRandom(bytes: Uint8Array): Uint8Array {
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = Math.floor(Math.random() * 256);
  return bytes;
}
