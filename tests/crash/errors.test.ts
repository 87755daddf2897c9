import { test } from "bun:test";
import { errors } from "../reliability/errors.ts";
import { expectSound } from "../reliability/quick.ts";

const MINUTE_MS = 60_000;

test(
  "an error or a short write at any call, once or for ever, loses nothing that was promised (invariants 1 to 5 and 10)",
  () => expectSound(errors, 20_000),
  10 * MINUTE_MS,
);
