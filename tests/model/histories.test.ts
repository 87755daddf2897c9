import { test } from "bun:test";
import { expectSound } from "../reliability/quick.ts";
import { histories } from "./histories.ts";

const MINUTE_MS = 60_000;

/** All of five steps in the binary format, and of four in JSON. */
const CASES = 270_000;

test(
  "every history of two keys ends as it must, whatever is merged, dies or loses power (invariants 5 and 6)",
  () => expectSound(histories, CASES),
  5 * MINUTE_MS,
);
