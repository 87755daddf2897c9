import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KvStore, type LogFormat } from "../../src/index.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { copyOriginal, ORIGINAL_ENTRIES } from "../support/rust-original.ts";
import { FailingDisk, type Failing } from "./failing-disk.ts";

/**
 * The first write to a directory of the original kvs, its first compaction and
 * what follows are made to die, or to meet an error, at every single call to the
 * disk. Nothing that the original wrote and nothing acknowledged is lost then
 * (invariants 1 to 5), with LOCK or without it (6), and the next compaction
 * finishes what this one began (7, 10).
 */

type Entries = ReadonlyArray<readonly [string, string]>;

/** What the store holds after none, one, two or all of the writes. */
const STATES: readonly Entries[] = [
  ORIGINAL_ENTRIES,
  changed(ORIGINAL_ENTRIES, { x: "1" }),
  changed(ORIGINAL_ENTRIES, { x: "1", key3: undefined }),
  changed(ORIGINAL_ENTRIES, { x: "2", key3: undefined }),
];

const root = mkdtempSync(join(tmpdir(), "kvs-foreign-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function changed(entries: Entries, changes: Readonly<Record<string, string | undefined>>): Entries {
  const state = new Map<string, string | undefined>(entries);
  for (const [key, value] of Object.entries(changes)) state.set(key, value);
  const kept = [...state].filter((entry): entry is [string, string] => entry[1] !== undefined);
  return kept.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

describe.each(["death", "one error", "errors for good"] satisfies Failing[])("%s at any call", (failing) => {
  test.each([undefined, "binary"] satisfies Array<LogFormat | undefined>)(
    "of an adoption loses nothing, compacting to %p",
    async (format) => {
      let failAt = 1;
      for (; ; failAt += 1) {
        const directory = copyOriginal(join(root, `${failing}-${format}-${failAt}`));
        const failingDisk = new FailingDisk(failing, failAt);
        const progress = { begun: 0, acknowledged: 0 };
        const error = await adopt(failingDisk, directory, format, progress);
        failingDisk.closeAll();
        if (failingDisk.failed === undefined) break;
        const what = `call ${failAt}, ${failingDisk.failed}: ${String(error)}`;
        await expectWhole(directory, progress, { what, losesLock: failAt % 2 === 0 });
        rmSync(directory, { recursive: true, force: true });
      }
      // Far fewer calls would mean that the script no longer does what it is for.
      expect(failAt).toBeGreaterThan(200);
    },
    60_000,
  );
});

interface Progress {
  /** How many of the writes were begun, and how many acknowledged. */
  begun: number;
  acknowledged: number;
}

async function adopt(
  { disk }: FailingDisk,
  directory: string,
  format: LogFormat | undefined,
  progress: Progress,
): Promise<unknown> {
  try {
    const store = KvStore.openOn(disk, directory, { durability: "sync", autoCompact: false, waitMs: 50 });
    const write = (work: () => void): void => {
      progress.begun += 1;
      work();
      progress.acknowledged = progress.begun;
    };
    write(() => store.set("x", "1"));
    write(() => store.remove("key3"));
    await store.compact(format === undefined ? {} : { format });
    write(() => store.set("x", "2"));
    store.close();
    return undefined;
  } catch (error) {
    return error;
  }
}

async function expectWhole(
  directory: string,
  { begun, acknowledged }: Progress,
  { what, losesLock }: { readonly what: string; readonly losesLock: boolean },
): Promise<void> {
  if (losesLock) rmSync(join(directory, "LOCK"), { force: true });
  const legal = new Set(STATES.slice(acknowledged, begun + 1).map((entries) => JSON.stringify(entries)));
  const expectLegal = (store: KvStore, when: string): void => {
    expect([what, when, legal.has(JSON.stringify([...store.entries()]))]).toEqual([what, when, true]);
  };
  {
    using reader = KvStore.openOn(fastDisk(), directory, { readOnly: true });
    expectLegal(reader, "as it was left");
  }
  {
    using store = KvStore.openOn(fastDisk(), directory, { waitMs: 500 });
    store.set("again", "1");
    store.delete("again");
    expectLegal(store, "after a write");
    await store.compact();
  }
  using reopened = KvStore.openOn(fastDisk(), directory);
  expectLegal(reopened, "after a compaction");
  const names = readdirSync(directory);
  expect([what, names.filter((name) => /\.tmp$|^[457]\.log$/.test(name))]).toEqual([what, []]);
}
