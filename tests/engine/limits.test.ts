import { describe, expect, test } from "bun:test";
import { KvStore, logRecords, repairStore, verifyStore } from "../../src/index.ts";
import { codeOf, codeOfAsync } from "../support/damage.ts";
import { newStorePath } from "../support/temporary.ts";

describe("what makes no sense is refused", () => {
  test.each([
    { compactionRatio: -1 },
    { compactionRatio: Number.NaN },
    { bloomBitsPerKey: 1000 },
    { bloomBitsPerKey: -1 },
    { generationBytes: 0.5 },
    { cacheBytes: -1 },
  ])("as an option: %p", (options) => {
    expect(codeOf(() => KvStore.open(newStorePath(), options))).toBe("INVALID_ARGUMENT");
  });

  test("as a path: nothing at all", async () => {
    expect(codeOf(() => KvStore.open(""))).toBe("INVALID_ARGUMENT");
    expect(await codeOfAsync(() => verifyStore(""))).toBe("INVALID_ARGUMENT");
    expect(await codeOfAsync(() => repairStore("", newStorePath()))).toBe("INVALID_ARGUMENT");
    expect(codeOf(() => [...logRecords("")])).toBe("INVALID_ARGUMENT");
    using store = KvStore.open(newStorePath());
    expect(await codeOfAsync(() => store.backup(""))).toBe("INVALID_ARGUMENT");
  });

  test("as a generation: one that there is not", () => {
    const path = newStorePath();
    KvStore.open(path).close();
    expect(codeOf(() => [...logRecords(path, { generation: 7 })])).toBe("INVALID_ARGUMENT");
  });
});

describe("an open store", () => {
  test("verifies itself, with what is not yet handed to the system", async () => {
    using store = KvStore.open(newStorePath());
    store.set("k", "v");
    const { damage, records } = await store.verify();
    expect([damage, records]).toEqual([[], 1]);
  });

  test("reads text that was written as bytes from its cache, and forgets as much as a large value needs", () => {
    using store = KvStore.open(newStorePath(), { cacheBytes: 2000 });
    const write = (name: string, bytes: number): void => void store.set(name, Buffer.alloc(bytes, name));
    for (const name of ["a", "b", "c"]) write(name, 300);
    for (let times = 0; times < 2; times += 1) {
      for (const name of ["a", "b", "c"]) {
        expect(Buffer.from(store.getBytes(name) ?? []).toString()).toBe(name.repeat(300));
        expect(store.get(name)).toBe(name.repeat(300));
      }
    }
    write("d", 1500);
    for (const name of ["d", "a", "d"]) expect(store.get(name)?.[0]).toBe(name);
  });

  test("refuses a value that only counting its bytes shows to be too long", () => {
    using store = KvStore.open(newStorePath());
    expect(codeOf(() => store.set("k", "\u20ac".repeat(180 * 1024 * 1024)))).toBe("INVALID_ARGUMENT");
    expect(store.has("k")).toBe(false);
  });
});
