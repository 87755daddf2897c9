import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { maintainStore } from "../../src/engine/maintain-store.ts";
import { KvStore } from "../../src/index.ts";
import { fastDisk, HookedDisk } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

const MIB = 1024 * 1024;
const VALUE = "v".repeat(100);
const SETTINGS = {
  autoCompact: false,
  bloomBitsPerKey: 10,
  mmap: true,
  waitMs: 1000,
  compactionThreshold: 5 * MIB,
  compactionRatio: 0.5,
};

/** Writes records of new keys until about so many bytes are in the logs. */
function write(store: KvStore, bytes: number, keys: { next: number }): void {
  for (const end = keys.next + bytes / 130; keys.next < end; keys.next += 1) {
    store.set(`key ${String(keys.next).padStart(8, "0")}`, VALUE);
  }
  store.flushSync({ durability: "os" });
}

test("a log that was sealed while another was indexed was then read key by key, over and over", () => {
  const path = newStorePath();
  const keys = { next: 0 };
  using writer = KvStore.openOn(fastDisk(), path, { generationBytes: 3 * MIB, autoCompact: false });
  write(writer, 5 * MIB, keys);
  const disk = new HookedDisk(({ method, path: file }) => {
    if (method === "create" && file === join(path, "1.idx.tmp")) write(writer, 2 * MIB, keys);
    return undefined;
  });
  maintainStore(disk, path, SETTINGS);
  expect(readdirSync(path)).toContainValues(["1.idx", "2.idx", "3.log"]);
  const reads = disk.calls.filter((call) => /read/i.test(call.method) && call.path.endsWith("2.log"));
  expect(reads.length).toBeLessThan(100);
});

test("a handle that only wrote kept the keys of all its sealed logs in memory, though their indexes were there", () => {
  const path = newStorePath();
  const keys = { next: 0 };
  const disk = new HookedDisk();
  using writer = KvStore.openOn(disk, path, { generationBytes: MIB, autoCompact: false });
  write(writer, 2.5 * MIB, keys);
  maintainStore(fastDisk(), path, SETTINGS);
  const before = disk.calls.length;
  write(writer, MIB, keys);
  const opened = disk.calls.slice(before).filter(({ method }) => method === "openToRead");
  expect(opened.map((call) => call.path)).toContainValues([join(path, "1.idx"), join(path, "2.idx")]);
});
