import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { KvStore, type OpenOptions } from "../../src/index.ts";
import type { ReadingReport, ReadingTask } from "../support/reader-worker.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const READERS = 3;
const ROUNDS = 60;
const KEYS = Array.from({ length: 200 }, (_, number) => `key ${number}`);

const LIBRARY = join(import.meta.dirname, "../../src/index.ts");

describe("a handle that has read often", () => {
  test.each([true, false])("sees what another process has written: mmap %p", async (mmap) => {
    const path = newStorePath();
    using store = KvStore.open(path, { mmap });
    store.set("k", "0");
    await endTick();
    for (let round = 1; round <= 5; round += 1) {
      // As often as it takes until the counter in LOCK is not read from the file any more.
      for (let read = 0; read < 100; read += 1) expect(store.get("k")).toBe(String(round - 1));
      const script = `import { KvStore } from ${JSON.stringify(LIBRARY)};
        using store = KvStore.open(${JSON.stringify(path)}); store.set("k", "${round}");`;
      expect(Bun.spawnSync([process.execPath, "-e", script]).exitCode).toBe(0);
      expect(store.get("k")).toBe(String(round));
    }
  });
});

describe("several threads that read one store", () => {
  test.each([{}, { mmap: false }, { cacheBytes: 100_000 }] satisfies readonly OpenOptions[])(
    "see every key at every time, and no value older than one they saw, while another writes, rotates and compacts: %j",
    async (options) => {
      using store = KvStore.open(newStorePath(), { generationBytes: 20_000 });
      for (const key of KEYS) store.set(key, "0");
      await store.flush();
      const stop = new Int32Array(new SharedArrayBuffer(4));
      const passes = Array.from({ length: READERS }, () => new Int32Array(new SharedArrayBuffer(4)));
      const readers = passes.map((own) =>
        startReader({ directory: store.directory, options, keys: KEYS, stop, passes: own }),
      );
      const areReading = (): boolean => passes.every((own) => Atomics.load(own, 0) > 1);
      // Threads take their time to start: there is something to write as long as one has read little.
      for (let round = 1; round <= ROUNDS || !areReading(); round += 1) {
        for (const key of KEYS) store.set(key, String(round));
        await Bun.sleep(1);
        if (round % 20 === 0) await store.compact();
      }
      Atomics.store(stop, 0, 1);
      for (const { lookups, wrong } of await Promise.all(readers)) {
        expect(wrong).toEqual([]);
        expect(lookups).toBeGreaterThan(KEYS.length);
      }
    },
  );

  test("list one snapshot each, whatever is written meanwhile", async () => {
    using store = KvStore.open(newStorePath(), { generationBytes: 20_000 });
    for (const key of KEYS) store.set(key, "before");
    const scan = store.entries();
    expect(scan.next().value).toEqual(["key 0", "before"]);
    for (let round = 0; round < 20; round += 1) for (const key of KEYS) store.set(key, "after");
    store.deletePrefix("key 1");
    await store.compact();
    const values = new Set([...scan].map(([, value]) => value));
    expect([...values]).toEqual(["before"]);
    expect(store.count()).toBe(KEYS.filter((key) => !key.startsWith("key 1")).length);
  });
});

async function startReader(task: ReadingTask): Promise<ReadingReport> {
  const worker = new Worker(new URL("../support/reader-worker.ts", import.meta.url));
  try {
    return await new Promise((resolve, reject) => {
      worker.addEventListener("message", ({ data }: MessageEvent<ReadingReport>) => resolve(data));
      worker.addEventListener("error", ({ message }) => reject(new Error(message)));
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
      worker.postMessage(task);
    });
  } finally {
    worker.terminate();
  }
}
