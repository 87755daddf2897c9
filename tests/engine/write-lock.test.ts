import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Disk, LockFile } from "../../src/disk/disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { WAITER_MARK_AT } from "../../src/format/hint.ts";
import { KvStore } from "../../src/index.ts";
import { codeOf, codeOfAsync, contentOf, errorOf, logsOf } from "../support/damage.ts";
import { fastDisk, HookedDisk, systemError } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

function openStore(path: string, waitMs = 5): KvStore {
  return KvStore.openOn(fastDisk(), path, { autoCompact: false, waitMs });
}

/** Does something while somebody else holds the lock. */
function whileLocked(path: string, work: (lock: LockFile) => void): void {
  const lock = realDisk.openLock(join(path, "LOCK"), { create: true });
  if (lock?.tryLock() !== true) throw new Error("The lock is not free");
  try {
    work(lock);
  } finally {
    lock.close();
  }
}

function isLocked(path: string): boolean {
  const lock = realDisk.openLock(join(path, "LOCK"), { create: false });
  const isFree = lock?.tryLock() === true;
  lock?.close();
  return !isFree;
}

describe("the write lock", () => {
  test("held by somebody who has not said who they are is refused without a name", () => {
    const path = newStorePath();
    openStore(path).close();
    rmSync(join(path, "LOCK"));
    using store = openStore(path);
    whileLocked(path, () => {
      const { code, message } = errorOf(() => store.set("a", "1"));
      expect([code, message]).toEqual([
        "LOCKED",
        `Cannot lock "${join(path, "LOCK")}": it was held for longer than 5 ms`,
      ]);
    });
    store.set("a", "1");
    expect(store.get("a")).toBe("1");
  });

  test("of a store that was removed before its first write is an error that says so", () => {
    const path = newStorePath();
    openStore(path).close();
    const store = openStore(path);
    rmSync(path, { recursive: true });
    expect(errorOf(() => store.set("a", "1")).message).toBe(
      `Cannot lock "${join(path, "LOCK")}": there is no such directory`,
    );
    store.close();
    expect(codeOf(() => contentOf(path))).toBe("NO_STORE");
  });

  test("is kept by an update whose callback waits for another store", () => {
    const path = newStorePath();
    const other = newStorePath();
    openStore(other).close();
    using store = openStore(path);
    store.set("n", "1");
    using waiting = openStore(other);
    whileLocked(other, () => {
      store.update("n", (old) => {
        expect(codeOf(() => waiting.set("a", "1"))).toBe("LOCKED");
        expect(isLocked(path)).toBe(true);
        return `${old}2`;
      });
    });
    expect(store.get("n")).toBe("12");
  });

  test("taken by somebody else as a handle is closed leaves them to seal what is long", () => {
    const path = newStorePath();
    const store = openStore(path, 0);
    store.set("a", "x".repeat(100_000));
    store.flushSync();
    whileLocked(path, () => store.close());
    expect(logsOf(path)).toEqual(["1.log"]);
    expect(contentOf(path)).toEqual([["a", "x".repeat(100_000)]]);
    const next = openStore(path);
    next.set("b", "1");
    next.close();
    expect(logsOf(path)).toEqual(["1.log", "2.log"]);
  });
});

describe("a handle", () => {
  test("whose last write fails at the end of the tick says so to the flush that waits for it", async () => {
    let isFull = false;
    const disk = new HookedDisk(({ method, path }) =>
      isFull && method === "append.append" ? { error: systemError("ENOSPC", path) } : undefined,
    );
    const path = newStorePath();
    const store = KvStore.openOn(disk, path, { autoCompact: false });
    store.set("a", "1");
    await endTick();
    isFull = true;
    store.set("b", "2");
    expect(await codeOfAsync(() => store.flush())).toBe("IO");
    expect(codeOf(() => store.set("c", "3"))).toBe("POISONED");
    expect(codeOf(() => store.close())).toBe("POISONED");
    expect(contentOf(path)).toEqual([["a", "1"]]);
  });

  test("writes over nothing that somebody has put where the next log should go, and goes on without it", () => {
    const path = newStorePath();
    using store = KvStore.openOn(fastDisk(), path, { autoCompact: false, generationBytes: 1 });
    store.set("a", "1");
    store.flushSync();
    expect(logsOf(path)).toEqual(["1.log", "2.log"]);
    writeFileSync(join(path, "3.log"), "mine");
    store.set("b", "2");
    store.flushSync();
    expect(readFileSync(join(path, "3.log"), "utf8")).toBe("mine");
    rmSync(join(path, "3.log"));
    store.set("c", "3");
    store.flushSync();
    expect(contentOf(path)).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
    ]);
  });

  test("whose new log is removed the moment it is there is no handle that writes into nothing", () => {
    const path = newStorePath();
    const disk: Disk = {
      ...realDisk,
      rename: (from, to) => {
        realDisk.rename(from, to);
        if (to.endsWith("/1.log")) realDisk.unlink(to);
      },
    };
    expect(errorOf(() => KvStore.openOn(disk, path)).message).toBe(
      `Cannot open "${join(path, "1.log")}": it vanished as soon as it was written`,
    );
    using store = openStore(path);
    store.set("a", "1");
    expect(store.get("a")).toBe("1");
  });
});

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
