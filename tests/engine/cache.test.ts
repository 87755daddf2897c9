import { describe, expect, test } from "bun:test";
import { KvStore, type OpenOptions } from "../../src/index.ts";
import { codeOf } from "../support/damage.ts";
import { fastDisk, HookedDisk, systemError } from "../support/hooked-disk.ts";
import { seededRandom } from "../support/random.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const SEED = 20261123;

describe("a value cache", () => {
  test.each([1, 700, 5_000, 1_000_000])(
    `of %i bytes never changes an answer, over two handles and compactions (seed ${SEED})`,
    async (cacheBytes) => {
      const path = newStorePath();
      const options: OpenOptions = { cacheBytes, generationBytes: 3000 };
      const handles = [
        KvStore.open(path, options),
        KvStore.open(path, { ...options, cacheBytes: 3 * cacheBytes }),
      ];
      const model = new Map<string, string>();
      const random = seededRandom(SEED + cacheBytes);
      for (let step = 0; step < 3000; step += 1) {
        const store = handles[random.below(2)];
        const key = `k${random.below(20)}`;
        const what = random.below(10);
        if (what === 0) expect(store?.delete(key)).toBe(model.delete(key));
        else if (what <= 2) {
          model.set(key, `${step}`.repeat(random.below(40)));
          store?.set(key, model.get(key) ?? "");
        } else if (what <= 6) expect(store?.get(key)).toBe(model.get(key));
        else if (what <= 8) {
          const bytes = store?.getBytes(key);
          expect(bytes === undefined ? undefined : Buffer.from(bytes).toString()).toBe(model.get(key));
          bytes?.fill(0x58);
        }
        // Until its tick ends, a write is seen by its own handle alone.
        if (what <= 2) await endTick();
        if (step % 700 === 699) await store?.compact();
      }
      for (const store of handles) store.close();
    },
  );

  test("serves no value that has expired", () => {
    using store = KvStore.open(newStorePath(), { cacheBytes: 10_000 });
    store.set("k", "v", { ttlMs: 20 });
    expect(store.get("k")).toBe("v");
    Bun.sleepSync(25);
    expect([store.get("k"), store.getBytes("k")]).toEqual([undefined, undefined]);
  });

  test.each([
    ["text", (store: KvStore, key: string) => store.get(key)],
    ["bytes", (store: KvStore, key: string) => Buffer.from(store.getBytes(key) ?? []).toString()],
  ])("reads again what was used least recently, once it is full: %s", (_, read) => {
    const path = newStorePath();
    const names = Array.from({ length: 10 }, (__, number) => `k${number}`);
    const valueOf = (name: string): string => name.repeat(100);
    {
      using store = KvStore.openOn(fastDisk(), path, { generationBytes: 1, autoCompact: false });
      store.batch(names.map((name) => ({ set: [name, Buffer.from(valueOf(name))] }) as const));
    }
    const disk = new HookedDisk();
    // A value and its key are counted as 330 bytes, and texts and bytes have half of the cache each: nine of them.
    using store = KvStore.openOn(disk, path, { readOnly: true, mmap: false, cacheBytes: 6000 });
    const readsFor = (name: string): boolean => {
      const before = disk.calls.length;
      expect(read(store, name)).toBe(valueOf(name));
      return disk.calls
        .slice(before)
        .some((call) => call.method === "readable.read" && call.path.endsWith(".log"));
    };
    expect(names.slice(0, 9).map(readsFor)).not.toContain(false);
    expect(names.slice(0, 9).map(readsFor)).not.toContain(true);
    expect([readsFor("k0"), readsFor("k9")]).toEqual([false, true]);
    expect([readsFor("k0"), readsFor("k9"), readsFor("k1")]).toEqual([false, false, true]);
  });

  test("forgets what an append has failed to write", async () => {
    let broken = false;
    const disk = new HookedDisk((call) =>
      broken && call.method === "append.append" ? { error: systemError("ENOSPC", call.path) } : undefined,
    );
    const store = KvStore.openOn(disk, newStorePath(), { cacheBytes: 10_000, autoCompact: false });
    store.set("k", "old");
    await endTick();
    expect(store.get("k")).toBe("old");
    broken = true;
    expect(codeOf(() => store.batch([{ set: ["k", "new"] }]))).toBe("IO");
    expect(store.get("k")).toBe("old");
    store.close();
  });

  test("keeps a text and the bytes of one key apart", () => {
    using store = KvStore.open(newStorePath(), { cacheBytes: 10_000 });
    store.set("k", Buffer.of(0xff));
    expect(codeOf(() => store.get("k"))).toBe("NOT_UTF8");
    expect(store.getBytes("k")).toEqual(Uint8Array.of(0xff));
    expect(codeOf(() => store.get("k"))).toBe("NOT_UTF8");
  });
});
