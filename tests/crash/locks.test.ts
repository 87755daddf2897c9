import { expect, test } from "bun:test";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { WAITER_MARK_AT } from "../../src/format/hint.ts";
import { KvStore } from "../../src/index.ts";
import { lockRaces } from "../reliability/lock-races.ts";
import { expectSound } from "../reliability/quick.ts";
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
