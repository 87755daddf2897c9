import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Disk, FileMap, ReadableFile } from "../../src/disk/disk.ts";
import { COMPACT_NAME, LOCK_NAME } from "../../src/disk/file-names.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { KvStore } from "../../src/index.ts";
import { codeOf, logsOf } from "../support/damage.ts";
import { fastDisk, HookedDisk, systemError } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

/** As this machine's, but files of one name are others. */
function diskOn(name: string, change: (file: ReadableFile) => Partial<ReadableFile>): Disk {
  return {
    ...realDisk,
    openToRead: (path) => {
      const file = realDisk.openToRead(path);
      return file !== undefined && path.endsWith(`/${name}`) ? { ...file, ...change(file) } : file;
    },
  };
}

describe("a handle that reads often sees what another one writes", () => {
  let released = 0;
  const short: FileMap = { bytes: Buffer.alloc(8), release: () => void (released += 1) };
  const cases: readonly [string, FileMap | undefined][] = [
    ["cannot be mapped", undefined],
    ["is cut short as it is mapped", short],
  ];

  test.each(cases)("where LOCK %s", async (_, map) => {
    const path = newStorePath();
    using writer = KvStore.openOn(fastDisk(), path);
    writer.set("k", "0");
    await endTick();
    using reader = KvStore.openOn(
      diskOn(LOCK_NAME, () => ({ mapLive: () => map })),
      path,
      { readOnly: true },
    );
    for (let number = 1; number < 100; number += 1) {
      writer.set("k", `${number}`);
      writer.flushSync({ durability: "os" });
      expect(reader.get("k")).toBe(`${number}`);
      expect(reader.get("k")).toBe(`${number}`);
    }
    expect(released).toBe(map === undefined ? 0 : 1);
  });
});

test("a log that becomes shorter while it is read is read as far as it is there", () => {
  const path = newStorePath();
  {
    using store = KvStore.openOn(fastDisk(), path);
    for (const key of ["a", "b"]) store.set(key, key);
  }
  const longer = diskOn("1.log", (file) => ({ size: () => file.size() + 10 }));
  using store = KvStore.openOn(longer, path, { readOnly: true });
  expect([...store.entries()]).toEqual([
    ["a", "a"],
    ["b", "b"],
  ]);
});

test("a store is opened, and written to, where nobody can tell whether a merge is under way", () => {
  const path = newStorePath();
  {
    using store = KvStore.openForProcess(path, { generationBytes: 1 });
    store.set("a", "1");
  }
  rmSync(join(path, "1.idx"));
  // No file any more, and nothing that could be locked.
  rmSync(join(path, COMPACT_NAME));
  mkdirSync(join(path, COMPACT_NAME));
  using store = KvStore.open(path);
  store.set("b", "2");
  expect([...store.entries()]).toEqual([
    ["a", "1"],
    ["b", "2"],
  ]);
});

test("a handle whose disk fails while nobody asks anything of it goes on when the disk does", async () => {
  const path = newStorePath();
  let isFailing = false;
  const failed: string[] = [];
  const disk = new HookedDisk(({ method, path: file }) => {
    if (!isFailing || method !== "lock.tryLock") return undefined;
    failed.push(file);
    return { error: systemError("EIO", file) };
  });
  using store = KvStore.openOn(disk, path, { autoCompact: false });
  store.set("long", "x".repeat(30_000));
  await endTick();
  isFailing = true;
  while (failed.length === 0) await Bun.sleep(5);
  isFailing = false;
  expect(logsOf(path)).toEqual(["1.log"]);
  store.set("b", "2");
  expect(store.get("b")).toBe("2");
  expect(statSync(join(path, "1.log")).size).toBeGreaterThan(30_000);
});

test("a handle whose disk fails as it is closed says so, and leaves everything to the next one", async () => {
  const path = newStorePath();
  let isFailing = false;
  const disk = new HookedDisk(({ method, path: file }) =>
    isFailing && method === "lock.tryLock" ? { error: systemError("EIO", file) } : undefined,
  );
  const store = KvStore.openOn(disk, path, { autoCompact: false });
  store.set("long", "x".repeat(30_000));
  await endTick();
  isFailing = true;
  expect(codeOf(() => store.close())).toBe("IO");
  expect(logsOf(path)).toEqual(["1.log"]);
  using next = KvStore.openOn(fastDisk(), path);
  expect(next.get("long")?.length).toBe(30_000);
});
