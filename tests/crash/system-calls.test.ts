import { describe, test } from "bun:test";
import { callErrors } from "../reliability/call-errors.ts";
import { callKills } from "../reliability/call-kills.ts";
import { expectSound } from "../reliability/quick.ts";
import { recoveryKills } from "../reliability/recovery-kills.ts";
import { isLinux } from "../support/strace.ts";

const MINUTES_MS = 5 * 60_000;

describe("a real process, traced", () => {
  test.skipIf(!isLinux)(
    "that is killed at any system call leaves what it acknowledged (invariants 1 to 4, 6, 7, 9; needs Linux)",
    () => expectSound(callKills, 100, { processes: 1 }),
    MINUTES_MS,
  );

  test.skipIf(!isLinux)(
    "that is killed while it recovers from that leaves the same (invariant 7; needs Linux)",
    () => expectSound(recoveryKills, 80, { processes: 1 }),
    MINUTES_MS,
  );

  test.skipIf(!isLinux)(
    "that meets an error at any system call says so, and loses nothing (invariants 2 to 4, 8; needs Linux)",
    () => expectSound(callErrors, 100, { processes: 1 }),
    MINUTES_MS,
  );
});
