import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { realDisk } from "../../src/disk/real-disk.ts";
import { maintainStore } from "../../src/engine/maintain-store.ts";
import { resolveOptions } from "../../src/engine/options.ts";
import { KvStore } from "../../src/index.ts";
import { logsOf } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

/** A store whose log 1 is sealed, and has lost its index. */
function storeWithoutIndex(): string {
  const path = newStorePath();
  {
    using store = KvStore.openForProcess(path, { generationBytes: 1 });
    store.batch(Array.from({ length: 1000 }, (_, at) => ({ set: [`k${at}`, "value"] }) as const));
  }
  rmSync(join(path, "1.idx"));
  return path;
}

/** Damages a record in the middle of a log. */
function damageRecord(log: string): void {
  const bytes = readFileSync(log);
  const at = bytes.length >>> 1;
  bytes.writeUInt8((bytes[at] ?? 0) ^ 1, at);
  writeFileSync(log, bytes);
}

/** Waits for what another thread does; the test's own time is the limit. */
async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(5);
}

describe("a log that lost its index", () => {
  test("gets it back from a handle that only opens the store", async () => {
    const path = storeWithoutIndex();
    using store = KvStore.open(path);
    await waitFor(() => existsSync(join(path, "1.idx")));
    expect(store.get("k7")).toBe("value");
  });

  test("stays without, where the handle is to read only, or the store may only be read", () => {
    const path = storeWithoutIndex();
    using _ = KvStore.open(path, { readOnly: true });
    const program = `const { KvStore } = require(${JSON.stringify(join(import.meta.dir, "../../src/index.ts"))});
      const store = KvStore.open(${JSON.stringify(path)});
      console.log(store.get("k7"));`;
    chmodSync(dirname(path), 0o755);
    chmodSync(path, 0o555);
    for (const name of readdirSync(path)) chmodSync(join(path, name), 0o444);
    const options = process.getuid?.() === 0 ? { uid: 65534 } : {};
    const ended = Bun.spawnSync([process.execPath, "-e", program], { ...options, cwd: "/" });
    chmodSync(path, 0o755);
    expect([ended.stdout.toString(), ended.stderr.toString()]).toEqual(["value\n", ""]);
    expect(existsSync(join(path, "1.idx"))).toBe(false);
  });

  test("is not tried again and again where it is damaged", () => {
    const path = storeWithoutIndex();
    damageRecord(join(path, "1.log"));
    const isDue = (): boolean => {
      const store = KvStore.openForProcess(path);
      store.set("more", "1");
      store.close();
      return store.isMaintenanceDue;
    };
    expect(isDue()).toBe(true);
    KvStore.maintain(path);
    expect(isDue()).toBe(false);
    expect(readFileSync(join(path, "COMPACT"), "latin1")).toMatch(/not indexable: 1 logs, [0-9a-f]{8} *\n$/);
  });
});

describe("a merge that is due", () => {
  const RULES = { compactionThreshold: 100, compactionRatio: 0.1 };

  /** A store of two sealed logs, one of which is stale. */
  async function storeWithGarbage(): Promise<string> {
    const path = newStorePath();
    // Nothing is made in the background on this disk, and goes on after the handle is closed.
    using store = KvStore.openOn(fastDisk(), path, { generationBytes: 1000, autoCompact: false });
    for (const value of ["old", "new"]) {
      store.batch(Array.from({ length: 100 }, (_, at) => ({ set: [`k${at}`, value] }) as const));
      await store.flush();
    }
    return path;
  }

  test("is made by a handle that only opens the store", async () => {
    const path = await storeWithGarbage();
    using store = KvStore.open(path, RULES);
    await waitFor(() => existsSync(join(path, "1-2.log")) && !existsSync(join(path, "1.log")));
    expect(store.get("k7")).toBe("new");
  });

  test("waits where compaction is to be asked for", async () => {
    const path = await storeWithGarbage();
    const before = logsOf(path);
    using store = KvStore.open(path, { ...RULES, autoCompact: false });
    expect(store.get("k7")).toBe("new");
    await Bun.sleep(50);
    expect(logsOf(path)).toEqual(before);
  });

  test("and that there is no time left for is given up in its midst, leaves nothing, and is made later", async () => {
    const path = await storeWithGarbage();
    const before = readdirSync(path).toSorted();
    const settings = resolveOptions(RULES);
    let asked = 0;
    // Time runs out once the merge has begun.
    const isUrgent = (): boolean => (asked += 1) > 1;
    maintainStore(realDisk, path, settings, { isUrgent });
    expect(asked).toBeGreaterThan(1);
    expect(readdirSync(path).toSorted()).toEqual([...new Set([...before, "COMPACT"])].toSorted());
    maintainStore(realDisk, path, settings);
    expect(logsOf(path)).toEqual(["1-2.log", "3.log"]);
    using store = KvStore.open(path);
    expect(store.get("k7")).toBe("new");
  });
});
