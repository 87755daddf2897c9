import { crc32, seedOfWord } from "./bytes.ts";

/** Longer ones are as quick to sum up anew. */
const MOST_BYTES = 1024;

/** A table for each length that was met: what every four bits of a difference become. */
const tables: Int32Array[] = [];
const NIBBLES = 8;

/**
 * The CRC-32 of the same bytes from another start, without a look at them: by how
 * the starts differ, both sums do, whatever the bytes are. A sum that was wrong
 * stays so. Undefined for long ones.
 */
export function restartedCrc32(
  sum: number,
  { bytes, from, to }: { readonly bytes: number; readonly from: number; readonly to: number },
): number | undefined {
  if (bytes > MOST_BYTES) return undefined;
  const table = (tables[bytes] ??= tableFor(bytes));
  let shifted = sum;
  for (let nibble = 0, rest = from ^ to; nibble < NIBBLES; nibble += 1, rest >>>= 4) {
    shifted ^= table[nibble * 16 + (rest & 15)] ?? 0;
  }
  return shifted >>> 0;
}

function tableFor(bytes: number): Int32Array {
  const table = new Int32Array(NIBBLES * 16);
  const zeros = Buffer.alloc(bytes);
  const unshifted = crc32(zeros, 0, bytes, 0);
  for (let index = 0; index < table.length; index += 1) {
    const start = ((index & 15) << ((index >>> 4) * 4)) >>> 0;
    table[index] = crc32(zeros, 0, bytes, start) ^ unshifted;
  }
  return table;
}

/** What every four bits of a checksum become when the step that four bytes are is taken back. */
let backwards: Int32Array | undefined;

/** The four bytes, as a number, that lead from one CRC-32 to another. */
export function wordBetween(from: number, to: number): number {
  const table = (backwards ??= tableBackwards());
  let word = ~from;
  for (let nibble = 0, rest = ~to; nibble < NIBBLES; nibble += 1, rest >>>= 4) {
    word ^= table[nibble * 16 + (rest & 15)] ?? 0;
  }
  return word;
}

function tableBackwards(): Int32Array {
  return Int32Array.from({ length: NIBBLES * 16 }, (_, index) => {
    return ~seedOfWord(0, ~((index & 15) << ((index >>> 4) * 4)));
  });
}
