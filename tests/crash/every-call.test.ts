import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realDisk } from "../../src/disk/real-disk.ts";
import { type Durability, KvStore, KvsError, type LogFormat } from "../../src/index.ts";
import { FailingDisk, type Failing } from "./failing-disk.ts";

/**
 * A scripted run with rotations and two compactions is made to die, or to meet
 * an error, at every single call to the disk. Then the store is opened on a disk
 * that works: it must hold what was acknowledged and a prefix of the rest
 * (invariants 1 to 5), also after it was written to and compacted (7), and leave
 * no rubbish behind (10).
 */

/** One change: a key and its new value, undefined for a removal. */
type Change = readonly [key: string, value: string | undefined];

interface Progress {
  /** How many of the changes were begun, and how many acknowledged. */
  begun: number;
  acknowledged: number;
}

const root = mkdtempSync(join(tmpdir(), "kvs-every-call-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const STEPS: ReadonlyArray<readonly Change[] | "compact"> = [
  ...numbered(0, 12),
  [["k1", undefined]],
  [
    ["a", "1"],
    ["b", "2"],
    ["k2", undefined],
  ],
  "compact",
  ...numbered(20, 26),
  [["k0", undefined]],
  "compact",
  [["z", "1"]],
];

function numbered(from: number, to: number): Array<readonly Change[]> {
  return Array.from({ length: to - from }, (_, index) => [[`k${(from + index) % 5}`, `v${from + index}`]]);
}

const CHANGES: readonly Change[] = STEPS.flatMap((step) => (step === "compact" ? [] : step));

describe.each(["death", "one error", "errors for good"] satisfies Failing[])(
  "%s at any call to the disk",
  (failing) => {
    test.each([
      ["sync", "binary"],
      ["sync", "json"],
      ["os", "binary"],
      ["os", "json"],
    ] satisfies Array<[Durability, LogFormat]>)(
      "loses nothing acknowledged in %s mode, %s format",
      async (durability, format) => {
        let failAt = 1;
        for (; ; failAt += 1) {
          const directory = join(root, `${failing}-${durability}-${format}-${failAt}`);
          const failingDisk = new FailingDisk(failing, failAt);
          const progress = { begun: 0, acknowledged: 0 };
          const error = await runScript(failingDisk, directory, { durability, format }, progress);
          failingDisk.closeAll();
          if (failingDisk.failed === undefined) break;
          const what = `call ${failAt}, ${failingDisk.failed}: ${String(error)}`;
          await expectRecovered(directory, progress, what);
          rmSync(directory, { recursive: true, force: true });
        }
        // Far fewer calls would mean that the script no longer does what it is for.
        expect(failAt).toBeGreaterThan(300);
      },
      60_000,
    );
  },
);

async function runScript(
  failingDisk: FailingDisk,
  directory: string,
  options: { readonly durability: Durability; readonly format: LogFormat },
  progress: Progress,
): Promise<unknown> {
  try {
    const store = KvStore.openOn(failingDisk.disk, directory, {
      ...options,
      generationBytes: 300,
      waitMs: 50,
    });
    for (const step of STEPS) {
      if (step === "compact") {
        await store.compact();
        continue;
      }
      progress.begun += step.length;
      apply(store, step);
      if (options.durability === "os") await store.flush();
      progress.acknowledged = progress.begun;
    }
    store.close();
    return undefined;
  } catch (error) {
    return error;
  }
}

function apply(store: KvStore, step: readonly Change[]): void {
  const [only] = step;
  if (only === undefined || step.length > 1) {
    store.batch(step.map(([key, value]) => (value === undefined ? { remove: key } : { set: [key, value] })));
  } else if (only[1] === undefined) {
    store.delete(only[0]);
  } else {
    store.set(only[0], only[1]);
  }
}

async function expectRecovered(directory: string, progress: Progress, what: string): Promise<void> {
  if (realDisk.list(directory) === undefined) {
    expect([what, progress.acknowledged]).toEqual([what, 0]);
    return;
  }
  using store = KvStore.open(directory, { waitMs: 500 });
  expectLegal(store, progress, what);
  store.set("again", "1");
  store.delete("again");
  await store.compact();
  store.close();
  using reopened = KvStore.open(directory);
  expectLegal(reopened, progress, `${what}, after a compaction`);
  const names = readdirSync(directory);
  expect([what, names.filter((name) => name.endsWith(".tmp"))]).toEqual([what, []]);
  expect([what, names.filter((name) => name.endsWith(".log")).length <= 2]).toEqual([what, true]);
}

/** What a store may hold: the state after any number of changes from the last acknowledged to the last begun. */
function expectLegal(store: KvStore, { acknowledged, begun }: Progress, what: string): void {
  const found = JSON.stringify([...store.entries()]);
  const legal: string[] = [];
  for (const count of batchBoundaries(acknowledged, begun)) legal.push(stateAfter(count));
  if (!legal.includes(found))
    throw new Error(`${what}: found ${found}, expected one of ${legal.join(" or ")}`);
}

/** A batch is there whole or not at all: only its two ends count. */
function batchBoundaries(acknowledged: number, begun: number): readonly number[] {
  return acknowledged === begun ? [begun] : [acknowledged, begun];
}

function stateAfter(count: number): string {
  const state = new Map<string, string>();
  for (const [key, value] of CHANGES.slice(0, count)) {
    if (value === undefined) state.delete(key);
    else state.set(key, value);
  }
  return JSON.stringify([...state].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

test("an error of the disk reaches the caller as a KvsError", async () => {
  const failingDisk = new FailingDisk("errors for good", 40);
  const directory = join(root, "surfacing");
  const progress = { begun: 0, acknowledged: 0 };
  const error = await runScript(failingDisk, directory, { durability: "sync", format: "binary" }, progress);
  failingDisk.closeAll();
  expect(error).toBeInstanceOf(KvsError);
  expect(progress.acknowledged).toBeLessThan(CHANGES.length);
});
