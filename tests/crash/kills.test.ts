import { describe, expect, test } from "bun:test";
import { expectSound } from "../reliability/quick.ts";
import { randomKills } from "../reliability/random-kills.ts";
import { contentOf } from "../support/damage.ts";
import { endOf, startJob } from "../support/processes.ts";
import { newStorePath } from "../support/temporary.ts";

const MINUTES_MS = 5 * 60_000;

test(
  "processes that are killed at random moments keep what was acknowledged, in order and nothing else (invariants 1 to 5)",
  () => expectSound(randomKills, 60, { processes: 1 }),
  MINUTES_MS,
);

describe("a process that ends in the middle of a tick", () => {
  for (const how of ["exit", "throw", "update"] as const) {
    test(`has written what it had set: by ${how}`, async () => {
      const path = newStorePath();
      await endOf(startJob([how, path]));
      expect(contentOf(path)).toEqual([["a", "1"]]);
    });
  }
});
