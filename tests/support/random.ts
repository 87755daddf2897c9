/** Random numbers that are the same for the same seed. */
export interface SeededRandom {
  /** A whole number from 0 to one below `bound`. */
  below(bound: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** The generator mulberry32. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const below = (bound: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
  return { below, pick: (from) => from[below(from.length)] ?? from[0] };
}
