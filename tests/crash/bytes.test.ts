import { describe, test } from "bun:test";
import { cuts } from "../reliability/cuts.ts";
import { flips } from "../reliability/flips.ts";
import { expectSound } from "../reliability/quick.ts";
import { tails } from "../reliability/tails.ts";

const MINUTE_MS = 60_000;

describe("a store of every kind of file", () => {
  test(
    "cut at any byte of one holds what was written up to there, or says that it is damaged (invariants 1, 4, 6, 8)",
    () => expectSound(cuts, 50_000),
    5 * MINUTE_MS,
  );

  test(
    "takes nothing that stands behind a log's end for a record (invariants 3, 8)",
    () => expectSound(tails, 1000),
    MINUTE_MS,
  );

  test(
    "with a flipped bit anywhere answers right or says which file is damaged (invariant 8)",
    () => expectSound(flips, 30_000),
    5 * MINUTE_MS,
  );
});
