import { describe, expect, test } from "bun:test";
import { expectSound } from "../reliability/quick.ts";
import { cutPower, powerCut } from "../reliability/power-cut.ts";
import type { Flaws } from "../support/simulated-disk/machine.ts";

const MINUTE_MS = 60_000;

/** Some of these runs must fail on a disk that is not what the engine may trust in. */
const SEEDS = 12;

describe("a power cut", () => {
  test(
    "at every call leaves what was promised, whatever of the unsynced reached the disk (invariants 1 to 7 and 9)",
    () => expectSound(powerCut, 100_000),
    10 * MINUTE_MS,
  );

  test.each([
    { ignores: "file syncs" },
    { ignores: "directory syncs" },
    { hidesBoots: true },
  ] satisfies readonly Flaws[])(
    "shows on a disk with a flaw: %j",
    async (flaws) => {
      let failures = 0;
      for (let seed = 0; seed < SEEDS && failures === 0; seed += 1) {
        failures = (await cutPower(seed, flaws)).failures.length;
      }
      expect(failures).toBeGreaterThan(0);
    },
    5 * MINUTE_MS,
  );
});
