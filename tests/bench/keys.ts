/**
 * Which keys an operation uses. Everything here is computed from the number of
 * the operation, so every engine gets the same sequence and no memory goes into it.
 */

/** Every key has this many bytes. */
export const KEY_BYTES = 15;

/** Present keys have even numbers, so that the missing ones lie between them. */
const FIRST_KEY = 1e11;

/** The key with an index from 0 on. */
export function presentKey(index: number): string {
  return `key${FIRST_KEY + 2 * index}`;
}

/** A key that no store has, next to the present one of that index. */
export function missingKey(index: number): string {
  return `key${FIRST_KEY + 2 * index + 1}`;
}

/** Maps 0 to `count` - 1 onto themselves in an order that looks random. */
export function permutation(count: number): (index: number) => number {
  const bits = Math.max(2, Math.ceil(Math.log2(Math.max(count, 2))));
  const mask = bits === 32 ? -1 : (1 << bits) - 1;
  const half = bits >>> 1;
  // Each step can be undone, so none maps two numbers to one; what falls outside goes round again.
  const scramble = (value: number): number => {
    let x = Math.imul(value, 0x9e3779b1) & mask;
    x ^= x >>> half;
    x = Math.imul(x, 0x85ebca6b) & mask;
    return x ^ (x >>> half);
  };
  return (index) => {
    let x = scramble(index);
    while (x >= count) x = scramble(x);
    return x;
  };
}

/** How indexes are drawn: all alike, or a few of them most of the time. */
export type Distribution = "uniform" | "zipf";

/** Draws `length` indexes below `count`, the same ones every time. */
export function draw(distribution: Distribution, count: number, length: number): Uint32Array {
  const random = randomNumbers(length + count);
  const next = distribution === "uniform" ? () => Math.floor(random() * count) : zipf(count, random);
  return Uint32Array.from({ length }, next);
}

/** Numbers from 0 up to 1, from Marsaglia's xorshift. */
function randomNumbers(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** YCSB's constant: the most wanted tenth of a million keys gets five sixths of the draws. */
const ZIPF_EXPONENT = 0.99;

/** Draws ranks as in "Quickly generating billion-record synthetic databases" (Gray et al., 1994), and scatters them. */
function zipf(count: number, random: () => number): () => number {
  const scatter = permutation(count);
  const total = zeta(count);
  const alpha = 1 / (1 - ZIPF_EXPONENT);
  const eta = (1 - (2 / count) ** (1 - ZIPF_EXPONENT)) / (1 - zeta(2) / total);
  const rank = (): number => {
    const u = random();
    if (u * total < 1) return 0;
    if (u * total < 1 + 0.5 ** ZIPF_EXPONENT) return 1;
    return Math.floor(count * (eta * u - eta + 1) ** alpha);
  };
  return () => scatter(Math.min(rank(), count - 1));
}

function zeta(count: number): number {
  let sum = 0;
  for (let rank = 1; rank <= count; rank += 1) sum += rank ** -ZIPF_EXPONENT;
  return sum;
}
