import { test } from "bun:test";
import { expectSound } from "../reliability/quick.ts";
import { pauses } from "./pauses.ts";

const MINUTE_MS = 60_000;

test(
  "a merge that stands still at any call, while others go on, or dies there, changes no answer (invariants 2, 5 and 7)",
  () => expectSound(pauses, 6000),
  10 * MINUTE_MS,
);
