import { describe, expect, test } from "bun:test";
import type { Disk } from "../../src/disk/disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { StagedImport } from "../../src/engine/staged-import.ts";
import { KvStore, type LogFormat } from "../../src/index.ts";
import { encodeKey } from "../../src/format/key.ts";
import type { Mutation } from "../../src/format/record.ts";
import { seededRandom } from "../support/random.ts";
import { inSimulatedTime } from "../support/simulated-time.ts";
import { type MachineState, SimulatedMachine } from "../support/simulated-disk/machine.ts";
import {
  afterPowerCut,
  ALL_LOST,
  CONTENT_LOST,
  drawnFate,
  NAMES_LOST,
  NOTHING_LOST,
} from "../support/simulated-disk/power-cut.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";
import { newStorePath } from "../support/temporary.ts";
import { FailingDisk, type Failing } from "./failing-disk.ts";

/*
 * An import that is published as one is made to die, to meet an error, or to lose
 * the power, at every single call to the disk: what is found then is the store
 * without it, or with all of it, and nothing is left beside it.
 */

const DIRECTORY = "/disk/store";
const BEFORE: Readonly<Record<string, string>> = { a: "1", b: "2", c: "3" };
const AFTER: Readonly<Record<string, string>> = { a: "new", c: "3", d: "4" };
const BEHIND: Readonly<Record<string, string>> = { ...AFTER, a: "newest" };

const IMPORTED: readonly Mutation[] = [
  put("a", "old"),
  put("d", "4"),
  { kind: "remove", key: encodeKey("b"), value: "", expiresAt: 0 },
  put("a", "new"),
];

function put(key: string, value: string): Mutation {
  return { kind: "put", key: encodeKey(key), value, expiresAt: 0 };
}

/** How far a run has come. */
interface Progress {
  isFilled: boolean;
  isPublished: boolean;
  isDone: boolean;
}

interface Script {
  readonly path: string;
  readonly format: LogFormat;
  readonly progress: Progress;
  /** Run when all is gathered. */
  readonly beforePublishing?: () => void;
}

async function runScript(disk: Disk, script: Script): Promise<void> {
  const { path, format, progress, beforePublishing } = script;
  const store = KvStore.openOn(disk, path, { format, durability: "sync", waitMs: 50 });
  store.batch(Object.entries(BEFORE).map((entry) => ({ set: entry })));
  progress.isFilled = true;
  const staged = store.withHandle((handle) => StagedImport.begin(handle, {}));
  for (const mutation of IMPORTED) staged.add(mutation);
  beforePublishing?.();
  await staged.publish();
  progress.isPublished = true;
  store.set("a", "newest");
  progress.isDone = true;
  store.close();
}

/** What may be found of a run: at least what was acknowledged. */
function legalStates({ isFilled, isPublished, isDone }: Progress): string[] {
  const states = [{}, BEFORE, AFTER, BEHIND];
  const least = isDone ? 3 : isPublished ? 2 : isFilled ? 1 : 0;
  return states.slice(least).map((state) => JSON.stringify(state));
}

/** What a store holds; opened twice, with a write between, which clears away what a dead import has left. */
function expectLegal(disk: Disk, path: string, progress: Progress, what: string): void {
  const legal = legalStates(progress);
  {
    using store = KvStore.openOn(disk, path);
    const found = JSON.stringify(Object.fromEntries(store.entries()));
    expect([what, legal.includes(found) ? "legal" : found]).toEqual([what, "legal"]);
    store.set("z", "1");
  }
  using store = KvStore.openOn(disk, path);
  const { z, ...rest } = Object.fromEntries(store.entries());
  expect([what, z, legal.includes(JSON.stringify(rest))]).toEqual([what, "1", true]);
  expect([what, disk.list(path)?.filter((name) => name.startsWith("import-"))]).toEqual([what, []]);
}

const FORMATS: readonly LogFormat[] = ["binary", "json"];

describe.each(["death", "one error", "errors for good"] satisfies Failing[])("%s", (failing) => {
  test.each(FORMATS)("at any call of an import leaves all of it or nothing: %s", async (format) => {
    for (let failAt = 1; ; failAt += 1) {
      const path = newStorePath();
      const failingDisk = new FailingDisk(failing, failAt);
      const progress = { isFilled: false, isPublished: false, isDone: false };
      await runScript(failingDisk.disk, { path, format, progress }).catch(() => undefined);
      failingDisk.closeAll();
      if (failingDisk.failed === undefined) {
        expect(failAt).toBeGreaterThan(100);
        return;
      }
      expectLegal(realDisk, path, progress, `call ${failAt}, ${failingDisk.failed}`);
    }
  });
});

/** What a machine was before a call, and what was acknowledged by then. */
interface Moment {
  readonly call: string;
  readonly state: MachineState;
  readonly progress: Progress;
}

/** Every moment of a run; with `isCompacting`, another process compacts, which therefore removes what was replaced. */
async function momentsOf(format: LogFormat, isCompacting: boolean): Promise<Moment[]> {
  const machine = SimulatedMachine.create();
  const moments: Moment[] = [];
  const progress = { isFilled: false, isPublished: false, isDone: false };
  let changes = -1;
  const note = (call: string): void => {
    if (machine.changes === changes) return;
    changes = machine.changes;
    moments.push({ call, state: machine.capture(), progress: { ...progress } });
  };
  const disk = new SimulatedProcess(machine, ({ method, path }) => {
    note(`${method} ${path}`);
    return undefined;
  });
  const beforePublishing = (): void => {
    const other = new SimulatedProcess(machine);
    if (isCompacting) other.openLock(`${DIRECTORY}/COMPACT`, { create: true })?.tryLock();
  };
  await runScript(disk, { path: DIRECTORY, format, progress, beforePublishing });
  note("the end");
  return moments;
}

describe("a power cut", () => {
  test.each([
    ["binary", false],
    ["binary", true],
    ["json", false],
    ["json", true],
  ] as const)(
    "at any call of an import leaves all of it or nothing: %s, compacting: %p",
    async (format, isCompacting) => {
      await inSimulatedTime(1, async () => {
        const random = seededRandom(1);
        const moments = await momentsOf(format, isCompacting);
        expect(moments.length).toBeGreaterThan(50);
        for (const { call, state, progress } of moments) {
          expectLegal(
            new SimulatedProcess(SimulatedMachine.afterDeaths(state)),
            DIRECTORY,
            progress,
            `killed before ${call}`,
          );
          const fates = [NOTHING_LOST, ALL_LOST, NAMES_LOST, CONTENT_LOST];
          for (let draw = 0; draw < 10; draw += 1)
            fates.push(drawnFate(random, { noise: format === "binary" }));
          for (const [number, fate] of fates.entries()) {
            const disk = new SimulatedProcess(afterPowerCut(state, fate));
            expectLegal(disk, DIRECTORY, progress, `fate ${number} before ${call}`);
          }
        }
      });
    },
  );
});
