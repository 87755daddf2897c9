import { describe, expect, test } from "bun:test";
import { maintainStore } from "../../src/engine/maintain-store.ts";
import { resolveOptions } from "../../src/engine/options.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { KvStore, logRecords, repairStore, restoreStore, verifyStore } from "../../src/index.ts";
import { logsOf } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const KEYS = 70_000;
const VALUE_BYTES = 150;

/** So many entries in ticks of a thousand. */
async function fill(store: KvStore, value: string): Promise<void> {
  for (let number = 0; number < KEYS; number += 1) {
    store.set(`key ${number}`, value + number);
    if (number % 1000 === 0) await endTick();
  }
}

describe("a store of tens of megabytes", () => {
  test("is indexed, merged, copied and restored in the calling thread as in a Worker", async () => {
    const path = newStorePath();
    const options = { durability: "os", compactionThreshold: 0, generationBytes: 18_000_000 } as const;
    // No Worker is started for this disk: it would leave less to be done here.
    const store = KvStore.openOn({ disk: fastDisk(), leavesMaintenance: true }, path, options);
    for (const value of ["x", "y"]) await fill(store, value.repeat(VALUE_BYTES));
    store.close();
    expect(store.isMaintenanceDue).toBe(true);
    // Makes indexes alone: there is no time for merges.
    maintainStore(realDisk, path, resolveOptions(options), { isUrgent: () => true });
    expect(logsOf(path).length).toBeGreaterThan(2);
    KvStore.maintain(path, options);
    expect(logsOf(path).length).toBeLessThan(4);
    expect((await verifyStore(path)).damage).toEqual([]);
    using merged = KvStore.open(path);
    expect(merged.get("key 69999")).toBe(`${"y".repeat(VALUE_BYTES)}69999`);
    expect(merged.count()).toBe(KEYS);
    const restored = newStorePath();
    await restoreStore(merged.archive(), restored);
    expect([...logRecords(restored)].length).toBeGreaterThanOrEqual(KEYS);
    const repaired = newStorePath();
    expect((await repairStore(path, repaired)).lost).toEqual([]);
    expect((await verifyStore(repaired)).damage).toEqual([]);
    using mended = KvStore.open(repaired);
    expect(mended.count()).toBe(KEYS);
  });
});
