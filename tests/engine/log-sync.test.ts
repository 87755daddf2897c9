import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { AppendableFile, AppendOptions } from "../../src/disk/disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { KvStore } from "../../src/index.ts";
import { codeOf, codeOfAsync, logsOf, readHint } from "../support/damage.ts";
import { fastDisk, HookedDisk, systemError } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

/** Syncs in the background end when they are told to. */
class SlowDisk extends HookedDisk {
  /** One for each sync in the background that is under way, or was. */
  readonly ends: (() => void)[] = [];

  override create(path: string): AppendableFile {
    return this.#slow(super.create(path));
  }

  override openToAppend(path: string, options?: AppendOptions): AppendableFile {
    return this.#slow(super.openToAppend(path, options));
  }

  async started(syncs: number): Promise<void> {
    while (this.ends.length < syncs) await endTick();
  }

  #slow(file: AppendableFile): AppendableFile {
    const syncInBackground = async (): Promise<void> => new Promise((resolve) => this.ends.push(resolve));
    return { ...file, syncInBackground };
  }
}

const UNIT = "x".repeat(100_000);

/** Writes 5 MB in the last tick of so many bytes; how many logs there are then. */
async function logsAfter(flush: boolean): Promise<number> {
  const path = newStorePath();
  const options = { durability: "os", generationBytes: 5_000_000, autoCompact: false } as const;
  using store = KvStore.openOn(fastDisk(), path, options);
  for (let number = 0; number < 46; number += 1) store.set(`k${number}`, UNIT);
  await endTick();
  if (flush) await store.flush();
  for (let number = 46; number < 51; number += 1) store.set(`k${number}`, UNIT);
  return logsOf(path).length;
}

test("a long log is sealed at once if most of it is on the disk, and waits for its sync if not", async () => {
  expect(await logsAfter(true)).toBe(2);
  expect(await logsAfter(false)).toBe(1);
});

test("what is written to a long log that waits for its sync is handed over in large pieces", () => {
  const disk = new SlowDisk();
  using store = KvStore.openOn(disk, newStorePath(), { generationBytes: 5_000_000, autoCompact: false });
  for (let number = 0; number < 6000; number += 1) store.set(`k${number}`, UNIT.slice(0, 1000));
  const appends = disk.calls.filter(({ method }) => method === "append.append");
  expect(appends.length).toBeWithin(20, 30);
});

test("a sync that took long does not take back what a later one has made durable", async () => {
  const path = newStorePath();
  const disk = new SlowDisk();
  using store = KvStore.openOn(disk, path, { durability: "os" });
  store.set("a", "1");
  const flushed = store.flush();
  await disk.started(1);
  store.set("b", "2");
  store.flushSync();
  const { size } = statSync(join(path, "1.log"));
  expect(readHint(path).syncedBytes).toBe(size);
  disk.ends[0]?.();
  await flushed;
  expect(readHint(path).syncedBytes).toBe(size);
  store.set("c", "3");
  store.flushSync();
  expect(readHint(path).syncedBytes).toBe(statSync(join(path, "1.log")).size);
});

test("a flush that waits for its turn syncs nothing that is durable by then", async () => {
  const path = newStorePath();
  const disk = new SlowDisk();
  using store = KvStore.openOn(disk, path, { durability: "os" });
  store.set("a", "1");
  const first = store.flush();
  await disk.started(1);
  store.set("b", "2");
  const second = store.flush();
  await endTick();
  store.flushSync();
  disk.ends[0]?.();
  await Promise.all([first, second]);
  expect(disk.ends.length).toBe(1);
});

test("a handle that is closed while a sync is under way touches none of its files when that ends", async () => {
  const path = newStorePath();
  const disk = new SlowDisk();
  const store = KvStore.openOn(disk, path, { durability: "os" });
  store.set("a", "1");
  const flushed = store.flush();
  await disk.started(1);
  store.close();
  const { length } = disk.calls;
  disk.ends[0]?.();
  await flushed;
  // Whether another process's sync has failed, LOCK is opened again for.
  const lock = join(path, "LOCK");
  expect(disk.calls.slice(length).map(({ method, path: file }) => [method, file])).toEqual([
    ["openToRead", lock],
    ["readable.read", lock],
    ["readable.close", lock],
  ]);
});

test("a sync that fails is told to others also if the lock is busy for longer than the handle waits", async () => {
  const path = newStorePath();
  let busyFor = 0;
  const disk = new HookedDisk(({ method, path: file }) => {
    if (method === "append.syncInBackground") return { error: systemError("EIO", file) };
    if (method === "lock.tryLock" && busyFor > 0 && (busyFor -= 1) === 0) other?.unlock();
    return undefined;
  });
  const store = KvStore.openOn(disk, path, { durability: "os", waitMs: 0 });
  store.set("a", "1");
  await endTick();
  const other = realDisk.openLock(join(path, "LOCK"), { create: false });
  expect(other?.tryLock()).toBe(true);
  busyFor = 20;
  expect(await codeOfAsync(async () => store.flush())).toBe("IO");
  expect([busyFor, readHint(path).suspect]).toEqual([0, true]);
  expect(codeOf(() => store.close())).toBe("POISONED");
  other?.close();
});

test.each([
  ["much was written", 64_000_000],
  ["a log that is to be sealed is not on the disk yet", 5_000_000],
])("a sync that fails in the background, since %s, is met by the next write", async (_, generationBytes) => {
  const disk = new HookedDisk(({ method, path }) =>
    method === "append.syncInBackground" ? { error: systemError("EIO", path) } : undefined,
  );
  const options = { durability: "os", generationBytes, autoCompact: false } as const;
  const store = KvStore.openOn(disk, newStorePath(), options);
  for (let number = 0; number < 90 && number * UNIT.length < generationBytes * 1.1; number += 1) {
    store.set(`k${number}`, UNIT);
  }
  await endTick();
  await endTick();
  expect(codeOf(() => store.set("next", "1"))).toBe("POISONED");
  expect(codeOf(() => store.close())).toBe("POISONED");
});
