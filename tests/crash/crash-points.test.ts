import { describe, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { KvStore, type OpenOptions } from "../../src/index.ts";
import { Crash, HookedDisk, type Verdict } from "../support/hooked-disk.ts";
import {
  after,
  endTick,
  entriesOf,
  expectRecovers,
  type Model,
  outcomes,
  SCRIPT,
  sorted,
} from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const MINUTE_MS = 60_000;

const CONFIGURATIONS: readonly OpenOptions[] = [
  { generationBytes: 200 },
  { generationBytes: 200, durability: "sync" },
  { generationBytes: 1, format: "json" },
  {},
];

/** Where to die: at which call, and with how much of an append done. */
interface Point {
  readonly index: number;
  readonly appended: "nothing" | "half" | "all but one" | "all";
}

/** Runs the script until its disk dies; the states that may be left then. */
async function runScript(path: string, disk: HookedDisk, options: OpenOptions): Promise<readonly Model[]> {
  let model: Model = new Map();
  let step = SCRIPT[0];
  try {
    const store = KvStore.openOn(disk, path, options);
    for (step of SCRIPT) {
      await step.run(store);
      await endTick();
      if (disk.crashed) break;
      model = after(model, step);
    }
    if (!disk.crashed) {
      expect(entriesOf(store)).toEqual(sorted(model));
      store.close();
      return [model];
    }
  } catch (error) {
    if (!disk.crashed) throw error;
  }
  await endTick();
  return step === undefined ? [model] : outcomes(model, step);
}

function dyingAt({ index, appended }: Point): HookedDisk {
  return new HookedDisk((call): Verdict => {
    if (call.index !== index) return undefined;
    const done = { nothing: 0, half: call.bytes >>> 1, "all but one": call.bytes - 1, all: call.bytes };
    return { error: new Crash(`died at ${call.method}`), appendFirst: done[appended] };
  });
}

/** Every call of a whole run, those that append in several ways. */
async function pointsOf(options: OpenOptions): Promise<Point[]> {
  const disk = new HookedDisk();
  await runScript(newStorePath(), disk, options);
  return disk.calls.flatMap(({ index, method }): Point[] =>
    method === "append.append"
      ? (["nothing", "half", "all but one", "all"] as const).map((appended) => ({ index, appended }))
      : [{ index, appended: "nothing" }],
  );
}

describe("a process that dies at any call to its disk (invariants 1 to 6)", () => {
  for (const options of CONFIGURATIONS) {
    test(`leaves a store that opens with what was acknowledged: ${JSON.stringify(options)}`, async () => {
      const failures: string[] = [];
      const points = await pointsOf(options);
      // JSON is slower, and differs only in how a frame looks.
      const stride = options.format === "json" ? 4 : 1;
      for (const point of points.filter((_, at) => at % stride === 0)) {
        const path = newStorePath();
        const disk = dyingAt(point);
        const states = await runScript(path, disk, options);
        const last = disk.calls.at(-1);
        try {
          await expectRecovers(path, states, options);
        } catch (error) {
          failures.push(
            `${JSON.stringify(point)} ${last?.method} ${last?.path.slice(path.length)}: ${String(error)}`,
          );
        }
      }
      expect(failures.slice(0, 5)).toEqual([]);
      expect(points.length).toBeGreaterThan(100);
    });
  }
});

describe("a process that dies at any call of a recovery (invariant 7)", () => {
  for (const [options, stride] of [
    [{ generationBytes: 200 }, 37],
    [{ generationBytes: 200, durability: "sync" }, 101],
  ] as const) {
    test(
      `leaves a store that recovers all the same: ${JSON.stringify(options)}`,
      async () => {
        const failures: string[] = [];
        const points = await pointsOf(options);
        for (let at = stride; at < points.length; at += stride) {
          const point = points[at];
          if (point === undefined) continue;
          const path = newStorePath();
          const states = await runScript(path, dyingAt(point), options);
          for (let index = 0; ; index += 1) {
            const copy = newStorePath();
            cpSync(path, copy, { recursive: true });
            const disk = dyingAt({ index, appended: "half" });
            const within = await recoverWith(copy, disk, options, states);
            if (!disk.crashed) break;
            try {
              await expectRecovers(copy, within, options);
            } catch (error) {
              failures.push(
                `${JSON.stringify(point)}, then ${index} ${disk.calls.at(-1)?.method}: ${String(error)}`,
              );
            }
          }
        }
        expect(failures.slice(0, 5)).toEqual([]);
      },
      MINUTE_MS,
    );
  }
});

/** Opens, writes, merges, and dies somewhere; the states that may be left then. */
async function recoverWith(
  path: string,
  disk: HookedDisk,
  options: OpenOptions,
  states: readonly Model[],
): Promise<readonly Model[]> {
  try {
    const store = KvStore.openOn(disk, path, options);
    store.set("r", "1");
    await endTick();
    await store.compact();
    store.close();
  } catch (error) {
    if (!disk.crashed) throw error;
  }
  await endTick();
  return states.flatMap((state) => [state, new Map([...state, ["r", "1"]])]);
}
