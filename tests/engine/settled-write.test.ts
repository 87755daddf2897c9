import { describe, expect, test } from "bun:test";
import { KvStore, type OpenOptions } from "../../src/index.ts";
import { writeBriefly } from "../../src/engine/brief-write.ts";
import { encodeHint, type Hint, parseHint } from "../../src/format/hint.ts";
import { codeOf } from "../support/damage.ts";
import { systemError } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { type ShortWrite, writeShortly } from "../support/short-write.ts";
import { SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { afterPowerCut, ALL_LOST } from "../support/simulated-disk/power-cut.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";
import { newStorePath } from "../support/temporary.ts";

const STORE = "/disk/store";
const WRITE: ShortWrite = { key: "k", value: "new", expiresAt: 0, durability: "os" };

function openOn(machine: SimulatedMachine, options: OpenOptions = {}): KvStore {
  return KvStore.openOn(new SimulatedProcess(machine), STORE, { autoCompact: false, ...options });
}

/** A machine with a store of a sealed and an active log. */
function machineWithStore(options: OpenOptions = {}): SimulatedMachine {
  const machine = SimulatedMachine.create();
  using store = openOn(machine, { generationBytes: 300, ...options });
  for (let count = 0; count < 12; count += 1) store.set(`k${count % 5}`, `value ${count}`);
  return machine;
}

function write(machine: SimulatedMachine, change: Partial<ShortWrite> = {}): boolean {
  const process = new SimulatedProcess(machine);
  const isWritten = writeShortly(process, STORE, { ...WRITE, ...change });
  expect(process.openFiles).toBe(0);
  return isWritten;
}

/** Every file with its bytes. */
function filesOf(machine: SimulatedMachine): [name: string, bytes: string][] {
  const process = new SimulatedProcess(machine);
  return (process.list(STORE) ?? [])
    .toSorted()
    .map((name) => [name, readFile(process, name).toString("latin1")]);
}

function readFile(process: SimulatedProcess, name: string): Buffer {
  const file = process.openToRead(`${STORE}/${name}`);
  const bytes = file?.read(0, file.size());
  file?.close();
  return bytes ?? Buffer.alloc(0);
}

function hintOf(machine: SimulatedMachine): Hint {
  const hint = parseHint(readFile(new SimulatedProcess(machine), "LOCK"));
  if (hint === undefined) throw new Error("LOCK holds no hint");
  return hint;
}

function changeHint(machine: SimulatedMachine, change: Partial<Hint>): void {
  const lock = new SimulatedProcess(machine).openLock(`${STORE}/LOCK`, { create: false });
  lock?.write(0, encodeHint({ ...hintOf(machine), ...change }));
  lock?.close();
}

describe("a value that was written by the short way", () => {
  test("is seen by handles that are open and by new ones, and is followed by what they write", async () => {
    const machine = machineWithStore();
    using open = openOn(machine);
    expect(open.get("k1")).toBe("value 11");
    for (let count = 0; count < 20; count += 1) {
      expect(write(machine, { key: `k${count % 3}`, value: `short ${count}` })).toBe(true);
      expect(open.get(`k${count % 3}`)).toBe(`short ${count}`);
      open.set("by a handle", `${count}`);
      await endTick();
      using fresh = openOn(machine);
      expect(fresh.get(`k${count % 3}`)).toBe(`short ${count}`);
      expect(fresh.get("by a handle")).toBe(`${count}`);
    }
    expect(open.stats().tornTailsCut).toBe(0);
  });

  test("expires when it is to", () => {
    const machine = machineWithStore();
    expect(write(machine, { key: "gone", expiresAt: Date.now() - 1 })).toBe(true);
    expect(write(machine, { key: "there", expiresAt: Date.now() + 100_000 })).toBe(true);
    using store = openOn(machine);
    expect(store.get("gone")).toBeUndefined();
    expect(store.ttl("there")).toBeGreaterThan(0);
  });

  test("is durable when it returns, with sync (invariant 2)", () => {
    const machine = machineWithStore({ durability: "sync" });
    expect(write(machine, { durability: "sync" })).toBe(true);
    using store = openOn(afterPowerCut(machine.capture(), ALL_LOST));
    expect(store.get("k")).toBe("new");
  });

  test("leaves the log as short as a handle does", () => {
    const machine = machineWithStore({ generationBytes: 1_000_000 });
    let count = 0;
    while (write(machine, { value: "x".repeat(1000) })) count += 1;
    expect(count).toBeGreaterThan(20);
    expect(hintOf(machine).writtenBytes).toBeLessThanOrEqual(24 * 1024);
  });
});

describe("the short way changes nothing", () => {
  for (const [state, change] of Object.entries<(machine: SimulatedMachine) => void>({
    "somebody died while writing": (machine) => changeHint(machine, { counter: hintOf(machine).counter + 1 }),
    "a sync has failed": (machine) => changeHint(machine, { suspect: true }),
    "LOCK is of another boot": (machine) => changeHint(machine, { bootId: "ab".repeat(16) }),
    "LOCK knows less than there is": (machine) =>
      changeHint(machine, { writtenBytes: hintOf(machine).writtenBytes - 1 }),
    "LOCK is missing": (machine) => new SimulatedProcess(machine).unlink(`${STORE}/LOCK`),
    "somebody has the lock": (machine) =>
      new SimulatedProcess(machine).openLock(`${STORE}/LOCK`, { create: false })?.tryLock(),
    "the value is a long one": () => undefined,
  })) {
    test(`where ${state}`, () => {
      const machine = machineWithStore();
      change(machine);
      const before = filesOf(machine);
      const value = state === "the value is a long one" ? "x".repeat(25_000) : "new";
      expect(write(machine, { value })).toBe(false);
      expect(filesOf(machine)).toEqual(before);
    });
  }

  test("where the frame's header alone is too much for the log", () => {
    const machine = machineWithStore();
    const before = filesOf(machine);
    const room = 24 * 1024 - hintOf(machine).writtenBytes;
    expect(write(machine, { value: "x".repeat(room - 5) })).toBe(false);
    expect(filesOf(machine)).toEqual(before);
    expect(write(machine, { value: "x".repeat(room - 21) })).toBe(true);
  });

  test("in a store of JSON, and where there is none", () => {
    const machine = machineWithStore({ format: "json" });
    const before = filesOf(machine);
    expect(write(machine)).toBe(false);
    expect(filesOf(machine)).toEqual(before);
    expect(write(SimulatedMachine.create())).toBe(false);
  });
});

test("a process of one write is told whether it has written", () => {
  const path = newStorePath();
  const settings = { key: "k", expiresAt: 0, durability: "sync" } as const;
  expect(writeBriefly(path, { ...settings, value: "1" })).toBe(false);
  {
    using store = KvStore.open(path);
    store.set("other", "1");
  }
  expect(writeBriefly(path, { ...settings, value: "1" })).toBe(true);
  expect(codeOf(() => writeBriefly(path, { ...settings, value: "\ud800" }))).toBe("INVALID_ARGUMENT");
  using store = KvStore.open(path, { readOnly: true });
  expect(store.get("k")).toBe("1");
});

describe("a call that fails on the short way", () => {
  test("leaves the old value or the new one, and a store that can be written to (invariants 1 to 4)", () => {
    const wrong: unknown[] = [];
    let calls = 0;
    for (const durability of ["os", "sync"] as const) {
      for (let index = 0; index <= calls; index += 1) {
        const machine = machineWithStore();
        let failed = "nothing";
        const process = new SimulatedProcess(machine, ({ index: at, method, path, bytes }) => {
          if (at !== index) return undefined;
          failed = `${method} ${path}`;
          return { error: systemError("EIO", path), writeFirst: bytes >>> 1 };
        });
        let isWritten = false;
        const code = codeOf(() => {
          isWritten = writeShortly(process, STORE, { ...WRITE, key: "k1", durability });
        });
        calls = Math.max(calls, process.calls);
        using store = openOn(machine);
        const value = store.get("k1");
        const isExpected = value === "new" || (value === "value 11" && !isWritten);
        store.set("k1", "later");
        if (
          !isExpected ||
          store.get("k1") !== "later" ||
          process.openFiles > 0 ||
          !["none", "IO"].includes(code)
        )
          wrong.push({ failed, code, value, open: process.openFiles });
      }
    }
    expect(wrong).toEqual([]);
    expect(calls).toBeGreaterThan(20);
  });

  test.each(["os", "sync"] as const)(
    "leaves nothing of a frame that was written in part, in %s",
    (durability) => {
      const machine = machineWithStore();
      const before = filesOf(machine).filter(([name]) => name !== "LOCK");
      const process = new SimulatedProcess(machine, ({ method, path, bytes }) =>
        method === "append.append"
          ? { error: systemError("ENOSPC", path), writeFirst: bytes >>> 1 }
          : undefined,
      );
      expect(codeOf(() => writeShortly(process, STORE, { ...WRITE, durability }))).toBe("IO");
      expect(filesOf(machine).filter(([name]) => name !== "LOCK")).toEqual(before);
      expect(hintOf(machine)).toMatchObject({ suspect: false });
      expect(write(machine, { durability })).toBe(true);
      using store = openOn(machine);
      expect([store.get("k"), store.stats().tornTailsCut]).toEqual(["new", 0]);
    },
  );

  test("is told to the next writer if it is a sync", () => {
    const machine = machineWithStore();
    const process = new SimulatedProcess(machine, ({ method, path }) =>
      method === "append.sync" ? { error: systemError("EIO", path) } : undefined,
    );
    expect(codeOf(() => writeShortly(process, STORE, { ...WRITE, durability: "sync" }))).toBe("IO");
    expect(hintOf(machine).suspect).toBe(true);
    expect(hintOf(machine).counter % 2).toBe(0);
  });
});
