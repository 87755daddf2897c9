const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const POOL_BYTES = 2 ** 20;
/** Two neighbouring values begin this far apart. */
const STRIDE = 40_503;

/** Text that does not compress well. `version` tells the values that a key has one after another. */
export type Values = (index: number, version: number) => string;

/**
 * Values of one length; every letter is one byte. Each is a string of its own,
 * as if it had just been received: a Map that kept the same few would store nothing.
 */
export function valuesOf(bytes: number): Values {
  const pool = randomText(POOL_BYTES + bytes);
  return (index, version) => {
    const start = ((index + version) * STRIDE) % POOL_BYTES;
    return pool.latin1Slice(start, start + bytes);
  };
}

function randomText(bytes: number): Buffer {
  let state = 1;
  const text = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    text[at] = ALPHABET.charCodeAt(state & 63);
  }
  return text;
}
