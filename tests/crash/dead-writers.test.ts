import { describe, expect, test } from "bun:test";
import { KvStore } from "../../src/index.ts";
import { codeOf } from "../support/damage.ts";
import { systemError } from "../support/hooked-disk.ts";
import { endTick, entriesOf } from "../support/scripted-run.ts";
import { Death, type Decide } from "../support/simulated-disk/call.ts";
import { SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";

const STORE = "/disk/store";

function openOn(machine: SimulatedMachine, decide?: Decide): KvStore {
  return KvStore.openOn(new SimulatedProcess(machine, decide), STORE);
}

describe("an append that was cut short", () => {
  test("by the death of its writer was seen by new handles and, for ever, not by one that had read while it was made", async () => {
    const machine = SimulatedMachine.create();
    using reader = openOn(machine);
    let isAppended = false;
    const writer = openOn(machine, ({ method }) => {
      if (isAppended) return { error: new Death("killed") };
      isAppended = method === "append.append";
      if (isAppended) reader.get("a");
      return undefined;
    });
    writer.set("a", "1");
    await endTick();
    using fresh = openOn(machine);
    expect(fresh.get("a")).toBe("1");
    expect(reader.get("a")).toBe("1");
  });

  test("by an error left half a frame in the log, and the handle could not write any more", async () => {
    const machine = SimulatedMachine.create();
    let isFull = false;
    using store = openOn(machine, ({ method, path, bytes }) =>
      isFull && method === "append.append"
        ? { error: systemError("ENOSPC", path), writeFirst: bytes >>> 1 }
        : undefined,
    );
    isFull = true;
    expect(codeOf(() => store.increment("n"))).toBe("IO");
    isFull = false;
    expect(codeOf(() => store.increment("n"))).toBe("none");
    await endTick();
    using other = openOn(machine);
    expect(entriesOf(other)).toEqual([["n", "1"]]);
    expect(other.stats().tornTailsCut).toBe(0);
  });
});
