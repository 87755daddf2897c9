import { expect, test } from "bun:test";
import { lockRaces } from "../reliability/lock-races.ts";
import { expectSound } from "../reliability/quick.ts";
import { KVS } from "../cli/run-kvs.ts";
import { injecting, isLinux } from "../support/strace.ts";
import { newStorePath } from "../support/temporary.ts";

const MINUTES_MS = 5 * 60_000;

test(
  "a lock has one holder, outlives its death and garbage in LOCK, and is never cleaned up (invariants 1, 2, 6)",
  () => expectSound(lockRaces, 1000, { processes: 1 }),
  MINUTES_MS,
);

test.skipIf(!isLinux).each([
  ["ENOLCK", 3, "has no lock to give (ENOLCK)"],
  ["EINVAL", 3, "flock fails with error 22"],
  ["EAGAIN", 5, "it was held for longer than 20 ms"],
  ["EINTR", 5, "it was held for longer than 20 ms"],
])(
  "a lock that cannot be had for %s is told from one that somebody has (needs strace)",
  (error, exitCode, reason) => {
    const argv = [KVS, "--dir", newStorePath(), "--wait", "20ms", "set", "k", "v"];
    const command = { argv, env: {} };
    const failing = injecting(command, { name: "flock", nth: 1 }, `error=${error}`, { forEver: true });
    const ended = Bun.spawnSync([...failing.argv], { env: process.env, stdout: "pipe", stderr: "pipe" });
    expect(ended.stderr.toString()).toEndWith(`${reason}\n`);
    expect(ended.exitCode).toBe(exitCode);
  },
);
