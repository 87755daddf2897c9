import { test } from "bun:test";
import { expectSound } from "../reliability/quick.ts";
import { histories } from "./histories.ts";

const MINUTE_MS = 60_000;

/** All of five steps from a store with a sealed log, and of four from any other: 376,788, the last of which are under way by then. */
const CASES = 370_000;

test(
  "every history of two keys ends as it must, whatever is merged, dies or loses power (invariants 5 and 6)",
  () => expectSound(histories, CASES),
  10 * MINUTE_MS,
);
