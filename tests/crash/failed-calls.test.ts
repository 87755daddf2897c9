import { describe, expect, test } from "bun:test";
import { maintainStore } from "../../src/engine/maintain-store.ts";
import { resolveOptions } from "../../src/engine/options.ts";
import { runToEnd } from "../../src/engine/slices.ts";
import { verifyFiles } from "../../src/engine/verify.ts";
import { KvStore, KvsError, type OpenOptions } from "../../src/index.ts";
import { codeOf } from "../support/damage.ts";
import { systemError } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import type { Decide } from "../support/simulated-disk/call.ts";
import { SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";

const STORE = "/disk/store";
const OPTIONS: OpenOptions = { generationBytes: 200, durability: "sync", waitMs: 5 };

/** Opens, writes, rotates, merges and closes, and goes on where something fails. */
async function use(process: SimulatedProcess, codes: unknown[]): Promise<void> {
  const attempt = async (work: () => unknown): Promise<void> => {
    try {
      await work();
    } catch (error) {
      codes.push(error instanceof KvsError ? error.code : error);
    }
    await endTick();
  };
  for (let round = 0; round < 2; round += 1) {
    let store: KvStore | undefined;
    await attempt(() => (store = KvStore.openOn(process, STORE, OPTIONS)));
    for (let at = 0; at < 4; at += 1) await attempt(() => store?.set(`k${at}`, "x".repeat(90)));
    await attempt(() => store?.compact());
    await attempt(() => store?.close());
    await attempt(() =>
      maintainStore(process, STORE, resolveOptions({ ...OPTIONS, compactionThreshold: 0 })),
    );
  }
}

describe("one call to the disk that fails", () => {
  test("left files open for ever: of logs, of LOCK, of COMPACT; and none is, whichever call it is", async () => {
    const wrong: unknown[] = [];
    let calls = 0;
    for (let index = 0; index <= calls; index += 1) {
      let failed = "nothing";
      const decide: Decide = (call) => {
        if (call.index !== index) return undefined;
        failed = `${call.method} ${call.path}`;
        return { error: systemError("EIO", call.path) };
      };
      const process = new SimulatedProcess(SimulatedMachine.create(), decide);
      const codes: unknown[] = [];
      await use(process, codes);
      calls = Math.max(calls, process.calls);
      const isUnexpected = codes.some((code) => code !== "IO" && code !== "POISONED");
      if (process.openFiles > 0 || isUnexpected) wrong.push({ failed, open: process.openFiles, codes });
    }
    expect(wrong).toEqual([]);
    expect(calls).toBeGreaterThan(300);
  });
});

describe("one call that fails while a handle takes in what others have written", () => {
  test("made every later call of that handle an internal error", async () => {
    const wrong: string[] = [];
    let calls = 0;
    // Of each number of values that are taken in, every call fails once.
    for (const values of [1, 2, 700]) {
      for (let index = 0; index <= calls; index += 1) {
        const machine = SimulatedMachine.create();
        using writer = KvStore.openOn(new SimulatedProcess(machine), STORE, { autoCompact: false });
        let failing = Number.POSITIVE_INFINITY;
        const process = new SimulatedProcess(machine, (call) =>
          call.index === failing ? { error: systemError("EIO", call.path) } : undefined,
        );
        using reader = KvStore.openOn(process, STORE, { readOnly: true });
        for (let at = 0; at < values; at += 1) writer.set(`k${at}`, "v".repeat(500));
        await endTick();
        const before = process.calls;
        failing = before + index;
        const key = `k${values - 1}`;
        codeOf(() => reader.get(key));
        calls = process.calls - before;
        failing = Number.POSITIVE_INFINITY;
        writer.set("z", "1");
        await endTick();
        const codes = [key, "z"].map((one) => codeOf(() => reader.get(one)));
        if (codes.some((code) => code !== "none"))
          wrong.push(`${values} values, call ${index}: ${codes.join()}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe("a sync that failed", () => {
  test("made verify call a sound store damaged: the log that was copied has no seal, and is not read any more", () => {
    const machine = SimulatedMachine.create();
    const decide: Decide = ({ method, path }) =>
      method === "append.sync" && path === `${STORE}/1.log` ? { error: systemError("EIO", path) } : undefined;
    const store = KvStore.openOn(new SimulatedProcess(machine, decide), STORE, OPTIONS);
    expect(() => store.set("a", "1")).toThrow();
    expect(() => store.close()).toThrow();
    const process = new SimulatedProcess(machine);
    using next = KvStore.openOn(process, STORE, OPTIONS);
    next.set("b", "1");
    expect(process.list(STORE)?.toSorted()).toEqual(["1-2.idx", "1-2.log", "1.log", "3.log", "LOCK"]);
    expect(runToEnd(verifyFiles(process, STORE)).damage).toEqual([]);
  });
});
