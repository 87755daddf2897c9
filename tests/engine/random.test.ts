import { test } from "bun:test";
import { expectSound } from "../reliability/quick.ts";
import { sequences } from "../reliability/sequences.ts";

const MINUTE_MS = 60_000;

test(
  "random operations give the same answers as a Map, in 50 configurations",
  () => expectSound(sequences, 200),
  10 * MINUTE_MS,
);
