import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { KvStore } from "../../src/index.ts";
import { codeOf } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const KEYS = 6000;
const VALUE = "x".repeat(300);

/** 2 MB of entries, in ticks of a thousand. */
async function fill(store: KvStore): Promise<void> {
  for (let number = 0; number < KEYS; number += 1) {
    store.set(`key ${number}`, VALUE + number);
    if (number % 1000 === 0) await endTick();
  }
  await endTick();
}

describe.each(["binary", "json"] as const)(
  "a %s store that is filled by a handle that keeps little",
  (format) => {
    test("has its indexes made by the process that it starts", async () => {
      const path = newStorePath();
      const asked: string[] = [];
      const startIndexing = (directory: string): void => void asked.push(directory);
      using store = KvStore.openForProcess(
        path,
        { format, durability: "os", generationBytes: 500_000 },
        { startIndexing },
      );
      await fill(store);
      expect(asked.length).toBeGreaterThanOrEqual(3);
      expect(new Set(asked)).toEqual(new Set([store.directory]));
      expect(readdirSync(path).filter((name) => name.endsWith(".idx"))).toEqual([]);
      expect(store.count()).toBe(KEYS);
    });

    test("answers from the log that is written to, which is not in memory any more", async () => {
      const path = newStorePath();
      using store = KvStore.openForProcess(path, { format, durability: "os" }, { startIndexing: () => {} });
      await fill(store);
      expect(store.get("key 0")).toBe(`${VALUE}0`);
      expect(store.get(`key ${KEYS - 1}`)).toBe(`${VALUE}${KEYS - 1}`);
      expect(store.get("key")).toBeUndefined();
      expect(store.count()).toBe(KEYS);
      store.set("key 0", "newer");
      expect(store.get("key 0")).toBe("newer");
    });
  },
);

/** Changes one byte where it stands, as a bad disk does: whoever has the file mapped sees it. */
function changeByte(path: string, at: number): void {
  const fd = openSync(path, "r+");
  writeSync(fd, Buffer.from("#"), 0, 1, at);
  closeSync(fd);
}

test("a sealed log that has no index is not believed any more once it has changed since it was read", async () => {
  const path = newStorePath();
  const options = { autoCompact: false, mmap: true } as const;
  {
    using store = KvStore.openOn(fastDisk(), path, { ...options, durability: "os" });
    await fill(store);
  }
  {
    using store = KvStore.openOn(fastDisk(), path, { ...options, generationBytes: 1 });
    store.set("last", "1");
  }
  rmSync(join(path, "1.idx"));
  using store = KvStore.openOn(fastDisk(), path, { ...options, readOnly: true });
  // Twice: the first time the log is only looked through.
  for (const key of ["key 0", "key 1"]) expect(store.get(key)).toBe(VALUE + key.slice(4));
  changeByte(join(path, "1.log"), 600);
  expect(codeOf(() => [...store.keys()])).toBe("CORRUPT");
});
