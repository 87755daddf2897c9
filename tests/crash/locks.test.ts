import { test } from "bun:test";
import { lockRaces } from "../reliability/lock-races.ts";
import { expectSound } from "../reliability/quick.ts";

const MINUTES_MS = 5 * 60_000;

test(
  "a lock has one holder, outlives its death and garbage in LOCK, and is never cleaned up (invariants 1, 2, 6)",
  () => expectSound(lockRaces, 1000),
  MINUTES_MS,
);
