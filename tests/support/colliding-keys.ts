import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hashKey, hashSeedOf } from "../../src/format/hash.ts";
import { encodeKey } from "../../src/format/key.ts";
import { parseLogHeader } from "../../src/format/log-header.ts";
import { seededRandom } from "./random.ts";

const PRIME = 0x01000193;

/** Letters, so that keys are text. Fewer to a block hardly ever collide. */
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BLOCK_LETTERS = 6;

/**
 * Two to the power of `blocks` keys with one hash in this store, and so with the
 * same bits of the bloom filter and the same place everywhere: FNV-1a goes on
 * alike from one state, so blocks of which two lead to one state can be strung
 * together at will.
 */
export function collidingKeys(directory: string, log: string, blocks: number): string[] {
  const parsed = parseLogHeader(readFileSync(join(directory, log)));
  if (parsed.status !== "header") throw new Error("A store has a header");
  const seed = hashSeedOf(parsed.header.storeId);
  let state = seed | 0;
  let keys = [""];
  for (let block = 0; block < blocks; block += 1) {
    const [one, other, next] = collide(state);
    keys = keys.flatMap((key) => [key + one, key + other]);
    state = next;
  }
  const hashes = new Set(keys.map((key) => hashKey(encodeKey(key), seed)));
  if (hashes.size > 1) throw new Error("These keys do not collide");
  return keys;
}

/** Two texts that lead from one state to another, and that state. */
function collide(from: number): [one: string, other: string, to: number] {
  const random = seededRandom(from);
  const seen = new Map<number, string>();
  for (;;) {
    let text = "";
    let state = from;
    for (let left = BLOCK_LETTERS; left > 0; left -= 1) {
      const letter = LETTERS[random.below(LETTERS.length)] ?? "";
      text += letter;
      state = Math.imul(state ^ letter.charCodeAt(0), PRIME);
    }
    const other = seen.get(state);
    if (other !== undefined && other !== text) return [other, text, state];
    seen.set(state, text);
  }
}
