import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Output } from "../../src/cli/output.ts";
import { seededRandom } from "../support/random.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const SEED: number = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${SEED}`);

/** Around the sizes at which a buffer is allocated, grows, is handed over, or passed by. */
const LENGTHS = [0, 1, 100, 4_000, 4_096, 4_097, 21_845, 21_846, 65_535, 65_536, 65_537, 200_000] as const;
const SYMBOLS = ["a", "é", "𝄞"] as const;

test("what is printed in pieces of any length, text or bytes, comes out as it went in", () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 30; round += 1) {
    const path = join(temporaryDirectory(), "out");
    const fd = openSync(path, "w");
    const output = new Output(fd, "a file");
    const expected: Buffer[] = [];
    for (let left = random.below(20); left > 0; left -= 1) {
      const length = LENGTHS[random.below(LENGTHS.length)] ?? 0;
      const symbol = SYMBOLS[random.below(SYMBOLS.length)] ?? "a";
      const piece =
        random.below(2) === 0 ? symbol.repeat(length / 3) : Buffer.alloc(length, random.below(256));
      output.write(piece);
      expected.push(Buffer.from(piece));
      if (random.below(5) === 0) output.flush();
    }
    output.flush();
    closeSync(fd);
    expect(Bun.hash(readFileSync(path))).toBe(Bun.hash(Buffer.concat(expected)));
  }
});
