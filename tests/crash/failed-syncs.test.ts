import { describe, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { KvStore, KvsError, type OpenOptions } from "../../src/index.ts";
import { Crash, fastDisk, HookedDisk, systemError, type Verdict } from "../support/hooked-disk.ts";
import {
  after,
  endTick,
  entriesOf,
  expectRecovers,
  match,
  type Model,
  outcomes,
  SCRIPT,
  sorted,
  type Step,
} from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const MINUTE_MS = 60_000;

/** Where to fail, and with how much of an append done. */
interface Point {
  readonly index: number;
  readonly code: "EIO" | "ENOSPC";
  readonly appended: "nothing" | "half" | "all";
  /** Fail all calls of the same method and file from then on, too. */
  readonly forEver?: boolean;
}

function failingAt({ index, code, appended, forEver = false }: Point): HookedDisk & { error?: KvsError } {
  let broken = "";
  const disk: HookedDisk & { error?: KvsError } = new HookedDisk((call): Verdict => {
    const name = `${call.method} ${call.path}`;
    if (call.index !== index && !(forEver && name === broken)) return undefined;
    broken = name;
    disk.error ??= systemError(code, call.path);
    const done = { nothing: 0, half: call.bytes >>> 1, all: call.bytes };
    return { error: disk.error, appendFirst: done[appended] };
  });
  return disk;
}

/** A run that goes on after errors, and knows after each of them what the store may hold. */
class Run {
  model: Model = new Map();
  /** Errors that callers saw. */
  readonly seen: unknown[] = [];
  readonly #path: string;
  readonly #disk: HookedDisk;
  readonly #options: OpenOptions;
  #store: KvStore | undefined;

  constructor(path: string, disk: HookedDisk, options: OpenOptions) {
    this.#path = path;
    this.#disk = disk;
    this.#options = options;
  }

  async run(): Promise<void> {
    for (const step of SCRIPT) await this.#step(step);
    try {
      this.#store?.close();
    } catch (error) {
      this.seen.push(error);
    }
  }

  async #step(step: Step): Promise<void> {
    try {
      this.#store ??= KvStore.openOn(this.#disk, this.#path, this.#options);
      await step.run(this.#store);
      await endTick();
      // A failure at the tick's end is thrown by the next call.
      const found = entriesOf(this.#store);
      this.model = after(this.model, step);
      expect(found).toEqual(sorted(this.model));
    } catch (error) {
      if (!(error instanceof KvsError)) throw error;
      this.seen.push(error);
      await endTick();
      this.#resolve(step, error);
    }
  }

  /** Finds out what an operation that failed has left. */
  #resolve(step: Step, error: KvsError): void {
    // A handle that was poisoned is given up; its close may say so once more.
    if (!this.#works()) {
      try {
        this.#store?.close();
      } catch (closing) {
        this.seen.push(closing);
      }
      this.#store = undefined;
    }
    const states = outcomes(this.model, step);
    const found = this.#contents();
    const state = match(found, states);
    if (state === undefined) {
      throw new Error(`after "${step.name}" threw ${error.message}: found ${JSON.stringify(found)}`);
    }
    this.model = state;
  }

  #works(): boolean {
    try {
      this.#store?.has("a");
      this.#store?.delete("no such key");
      return this.#store !== undefined;
    } catch {
      return false;
    }
  }

  #contents(): [string, string][] {
    try {
      using store = KvStore.openOn(fastDisk(), this.#path, { readOnly: true });
      return entriesOf(store);
    } catch (error) {
      if (error instanceof KvsError && error.code === "NO_STORE") return [];
      throw error;
    }
  }
}

async function methodsOf(options: OpenOptions): Promise<string[]> {
  const disk = new HookedDisk();
  await new Run(newStorePath(), disk, options).run();
  return disk.calls.map(({ method }) => method);
}

function pointsOf(methods: readonly string[]): Point[] {
  return methods.flatMap((method, index): Point[] => {
    const code = index % 2 === 0 ? "EIO" : "ENOSPC";
    if (method !== "append.append") return [{ index, code, appended: "nothing" }];
    return (["nothing", "half", "all"] as const).map((appended) => ({ index, code, appended }));
  });
}

/** Every call of a binary store fails once; of what is slow, a part will do unless KVS_FULL is set. */
function strideOf(options: OpenOptions, forEver: boolean): number {
  if (process.env["KVS_FULL"] !== undefined) return 1;
  return (forEver ? 7 : 1) * (options.format === "json" ? 5 : 1);
}

describe("a call to the disk that fails (invariants 1 to 5)", () => {
  for (const options of [
    { generationBytes: 200 },
    { generationBytes: 200, durability: "sync" },
    { generationBytes: 1, format: "json" },
    {},
  ] as const satisfies readonly OpenOptions[]) {
    for (const forEver of [false, true]) {
      const name = `${JSON.stringify(options)}, ${forEver ? "for ever" : "once"}`;
      test(
        `loses nothing, whichever call it is: ${name}`,
        async () => {
          const failures: string[] = [];
          const methods = await methodsOf(options);
          for (const point of pointsOf(methods)) {
            if (point.index % strideOf(options, forEver) !== 0) continue;
            const path = newStorePath();
            const disk = failingAt({ ...point, forEver });
            const run = new Run(path, disk, options);
            try {
              await run.run();
              await expectRecovers(path, [run.model], options);
            } catch (error) {
              const call = disk.calls[point.index];
              failures.push(
                `${JSON.stringify(point)} ${call?.method} ${call?.path.slice(path.length)}: ${String(error)}`,
              );
            }
          }
          expect(failures.slice(0, 8)).toEqual([]);
        },
        MINUTE_MS,
      );
    }
  }
});

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
