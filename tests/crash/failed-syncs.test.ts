import { describe, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { KvStore, type KvsError } from "../../src/index.ts";
import { codeOf, codeOfAsync } from "../support/damage.ts";
import { Crash, fastDisk, HookedDisk, systemError, type Verdict } from "../support/hooked-disk.ts";
import { endTick, entriesOf, expectRecovers, type Model } from "../support/scripted-run.ts";
import { SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { afterPowerCut, ALL_LOST } from "../support/simulated-disk/power-cut.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";
import { newStorePath } from "../support/temporary.ts";

const STORE = "/disk/store";

describe("a sync that fails", () => {
  for (const options of [{ durability: "sync" }, { durability: "os" }] as const) {
    test(`poisons the handle and marks the store suspect: ${options.durability}`, async () => {
      const path = newStorePath();
      let armed = false;
      const disk = new HookedDisk((call): Verdict => {
        const fails = armed && call.method.startsWith("append.sync") && call.path.endsWith("/1.log");
        return fails ? { error: systemError("EIO", call.path) } : undefined;
      });
      const store = KvStore.openOn(disk, path, options);
      store.set("before", "1");
      await store.flush();
      armed = true;
      const failed = (async () => {
        store.set("k", "1");
        await store.flush();
      })();
      expect(await failed.catch((error: unknown) => (error as KvsError).code)).toBe("IO");
      expect(() => store.get("k")).toThrow(expect.objectContaining({ code: "POISONED" }));
      expect(() => store.set("k", "2")).toThrow(expect.objectContaining({ code: "POISONED" }));
      expect(await store.flush().catch((error: unknown) => (error as KvsError).code)).toBe("POISONED");
      expect(() => store.close()).toThrow(expect.objectContaining({ code: "POISONED" }));
      expect(() => store.get("k")).toThrow(expect.objectContaining({ code: "CLOSED" }));

      using next = KvStore.openOn(fastDisk(), path);
      next.set("after", "1");
      expect(next.stats().generations.map(({ name }) => name)).toEqual(["1-2.log", "3.log"]);
      expect(entriesOf(next)).toEqual([
        ["after", "1"],
        ["before", "1"],
        ["k", "1"],
      ]);
      using third = KvStore.openOn(fastDisk(), path);
      third.set("third", "1");
      expect(third.stats().generations.map(({ name }) => name)).toEqual(["1-2.log", "3.log"]);
    });
  }

  test.each(["flush", "close"] as const)(
    "in another process took what a handle had written, and its own %s said that it was durable (invariant 2)",
    async (step) => {
      const machine = SimulatedMachine.create();
      const store = KvStore.openOn(new SimulatedProcess(machine), STORE);
      store.set("first", "1");
      await store.flush();
      store.set("a", "1");
      await endTick();
      const failing = new SimulatedProcess(machine, ({ method, path }) =>
        method === "append.sync" ? { error: systemError("EIO", path) } : undefined,
      );
      const other = KvStore.openOn(failing, STORE);
      other.set("b", "1");
      await endTick();
      expect(codeOf(() => other.close())).toBe("IO");
      const code = await codeOfAsync(async () => (step === "flush" ? store.flush() : store.close()));
      using after = KvStore.openOn(new SimulatedProcess(afterPowerCut(machine.capture(), ALL_LOST)), STORE, {
        readOnly: true,
      });
      expect(after.get("first")).toBe("1");
      expect([code, after.get("a")]).toEqual(["IO", undefined]);
      codeOf(() => store.close());
    },
  );

  test("leaves a store whose recovery may die at any call, twice in a row (invariant 7)", async () => {
    const path = newStorePath();
    let armed = false;
    const disk = new HookedDisk((call): Verdict =>
      armed && call.method === "append.sync" ? { error: systemError("EIO", call.path) } : undefined,
    );
    const store = KvStore.openOn(disk, path, { durability: "sync" });
    store.set("a", "1");
    armed = true;
    expect(() => store.set("b", "1")).toThrow();
    await endTick();
    expect(() => store.close()).toThrow();
    const states: Model[] = [
      new Map([
        ["a", "1"],
        ["b", "1"],
      ]),
      new Map([
        ["a", "1"],
        ["b", "1"],
        ["r", "1"],
      ]),
    ];
    const failures: string[] = [];
    for (
      let index = 0;
      await diesAt(
        path,
        index,
        async (copy) => {
          for (
            let second = 0;
            await diesAt(
              copy,
              second,
              async (twice) => {
                try {
                  await expectRecovers(twice, states);
                } catch (error) {
                  failures.push(`${index}, then ${second}: ${String(error)}`);
                }
              },
              failures,
            );
            second += 9
          );
        },
        failures,
      );
      index += 2
    );
    expect(failures.slice(0, 5)).toEqual([]);
  });
});

/** Copies a store, recovers it until the call at which it dies, and hands it on; false if it lives. */
async function diesAt(
  path: string,
  index: number,
  then: (copy: string) => Promise<void>,
  failures: string[],
): Promise<boolean> {
  const copy = newStorePath();
  cpSync(path, copy, { recursive: true });
  const disk = new HookedDisk((call): Verdict =>
    call.index === index ? { error: new Crash("died") } : undefined,
  );
  try {
    const store = KvStore.openOn(disk, copy);
    store.set("r", "1");
    await endTick();
    store.close();
  } catch (error) {
    if (!disk.crashed) failures.push(`at ${index} ${String(error)}`);
  }
  await endTick();
  if (disk.crashed) await then(copy);
  return disk.crashed;
}
