import { expect, test } from "bun:test";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { WAITER_MARK_AT } from "../../src/format/hint.ts";
import { KvStore } from "../../src/index.ts";
import { lockRaces } from "../reliability/lock-races.ts";
import { expectSound } from "../reliability/quick.ts";
import { KVS } from "../cli/run-kvs.ts";
import { injecting, isLinux } from "../support/strace.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const MINUTES_MS = 5 * 60_000;

test(
  "a lock has one holder, outlives its death and garbage in LOCK, and is never cleaned up (invariants 1, 2, 6)",
  () => expectSound(lockRaces, 1000, { processes: 1 }),
  MINUTES_MS,
);

test("writers that wait got no turn, and gave up, while another took the lock in tick after tick", async () => {
  const path = newStorePath();
  using store = KvStore.open(path);
  store.set("a", "1");
  await endTick();
  const lock = openSync(join(path, "LOCK"), "r+");
  try {
    const mark = Buffer.of(1);
    writeSync(lock, mark, 0, 1, WAITER_MARK_AT);
    for (let tick = 0; mark[0] === 1 && tick < 50_000; tick += 1) {
      store.set("a", String(tick));
      await endTick();
      readSync(lock, mark, 0, 1, WAITER_MARK_AT);
    }
    // It has seen that somebody waits, and waited itself.
    expect(mark[0]).toBe(0);
  } finally {
    closeSync(lock);
  }
});

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
