import { describe, expect, test } from "bun:test";
import { restoreDirectory } from "../../src/engine/restore.ts";
import { runToEnd } from "../../src/engine/slices.ts";
import { KvStore, KvsError, type OpenOptions } from "../../src/index.ts";
import { endTick, entriesOf } from "../support/scripted-run.ts";
import { Death, type Decide } from "../support/simulated-disk/call.ts";
import { type MachineState, SimulatedMachine } from "../support/simulated-disk/machine.ts";
import {
  afterPowerCut,
  ALL_LOST,
  CONTENT_LOST,
  type Fate,
  NAMES_LOST,
  NOTHING_LOST,
} from "../support/simulated-disk/power-cut.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";

const STORE = "/disk/store";

/** Of the names, those that were removed are gone, and no renaming has happened. */
const RENAMES_LOST: Fate = { ...NOTHING_LOST, name: ({ kind }) => (kind === "rename" ? "not" : "happened") };

const FATES = [NOTHING_LOST, ALL_LOST, NAMES_LOST, CONTENT_LOST, RENAMES_LOST];

function openOn(machine: SimulatedMachine, options: OpenOptions, decide?: Decide): KvStore {
  return KvStore.openOn(new SimulatedProcess(machine, decide), STORE, { autoCompact: false, ...options });
}

/** What a store holds, or the code of the error. */
function contentOf(machine: SimulatedMachine, path = STORE): [string, string][] | string {
  try {
    using store = KvStore.openOn(new SimulatedProcess(machine), path, { readOnly: true });
    return entriesOf(store);
  } catch (error) {
    if (error instanceof KvsError) return error.code;
    throw error;
  }
}

const BOTH = [
  ["a", "1"],
  ["b", "2"],
] satisfies [string, string][];

/** A machine with a store of two sealed logs, all of it durable. */
function withTwoLogs(): MachineState {
  const machine = SimulatedMachine.create();
  const store = openOn(machine, { durability: "sync", generationBytes: 1 });
  for (const [key, value] of BOTH) store.set(key, value);
  store.close();
  return machine.capture();
}

/** Notes what the disk is before each call of a process. */
function noting(machine: SimulatedMachine): { readonly decide: Decide; readonly states: MachineState[] } {
  const states: MachineState[] = [];
  const decide: Decide = () => {
    states.push(machine.capture());
    return undefined;
  };
  return { decide, states };
}

/** Merges the two logs; what the disk was before each call. */
async function statesOfMerge(): Promise<MachineState[]> {
  const machine = SimulatedMachine.afterDeaths(withTwoLogs());
  const { decide, states } = noting(machine);
  const store = openOn(machine, {}, decide);
  await store.compact();
  store.close();
  return [...states, machine.capture()];
}

describe("a power cut", () => {
  test("took a new store away, though its first write was acknowledged: the name of the log was not on the disk", () => {
    const machine = SimulatedMachine.create();
    using store = openOn(machine, { durability: "sync" });
    store.set("a", "1");
    for (const fate of FATES) expect(contentOf(afterPowerCut(machine.capture(), fate))).toEqual([["a", "1"]]);
  });

  test("emptied a sealed log, though a flush had returned: only the log behind it was on the disk", async () => {
    const machine = SimulatedMachine.create();
    using store = openOn(machine, { durability: "os", generationBytes: 1 });
    for (const [key, value] of BOTH) store.set(key, value);
    await store.flush();
    for (const fate of FATES) expect(contentOf(afterPowerCut(machine.capture(), fate))).toEqual(BOTH);
  });

  test("in the middle of a rotation left a store that did not open: a log had its name and not its header", async () => {
    const machine = SimulatedMachine.create();
    const { decide, states } = noting(machine);
    using store = openOn(machine, { durability: "os", generationBytes: 1 }, decide);
    for (const [key, value] of BOTH) store.set(key, value);
    await endTick();
    for (const state of states.splice(0)) {
      for (const fate of FATES)
        expect(["NO_STORE", [], BOTH.slice(0, 1), BOTH]).toContainEqual(
          contentOf(afterPowerCut(state, fate)),
        );
    }
  });

  test("took what one process had acknowledged, with the log in which it was: another one had died before it synced the log's name", async () => {
    const machine = SimulatedMachine.create();
    let isRenamed = false;
    const dying = openOn(machine, { generationBytes: 1 }, ({ method, path }) => {
      if (isRenamed) return { error: new Death("killed") };
      isRenamed = method === "rename" && path === `${STORE}/2.log`;
      return undefined;
    });
    dying.set("a", "1");
    await endTick();
    using store = openOn(machine, { durability: "sync" });
    store.set("b", "2");
    for (const fate of FATES) expect(contentOf(afterPowerCut(machine.capture(), fate))).toEqual(BOTH);
  });

  test("emptied a merge that had taken the place of its inputs: its bytes were not on the disk", async () => {
    for (const state of await statesOfMerge())
      expect(contentOf(afterPowerCut(state, CONTENT_LOST))).toEqual(BOTH);
  });

  test("undid the renaming of a merge whose inputs were gone: its name was not on the disk", async () => {
    for (const state of await statesOfMerge())
      expect(contentOf(afterPowerCut(state, RENAMES_LOST))).toEqual(BOTH);
  });
});

test("a death before a merge was published left neither it nor its inputs", async () => {
  for (const state of await statesOfMerge())
    expect(contentOf(SimulatedMachine.afterDeaths(state))).toEqual(BOTH);
});

// Without its first log a directory is no store: it says so, as it does when a log was lost.
test("a death in the middle of a restoration left a store that lacked its newer logs", () => {
  const machine = SimulatedMachine.afterDeaths(withTwoLogs());
  const { decide, states } = noting(machine);
  const copy = "/disk/copy";
  runToEnd(restoreDirectory(new SimulatedProcess(machine, decide), STORE, copy));
  for (const state of states) {
    const left = [SimulatedMachine.afterDeaths(state), ...FATES.map((fate) => afterPowerCut(state, fate))];
    for (const one of left) expect(["NO_STORE", "CORRUPT", [], BOTH]).toContainEqual(contentOf(one, copy));
  }
  expect(contentOf(machine, copy)).toEqual(BOTH);
});
