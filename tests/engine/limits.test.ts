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

  test("updates a text to bytes that are text, and refuses others without a change", () => {
    using store = KvStore.open(newStorePath());
    store.set("k", "old");
    expect(store.update("k", () => Buffer.from("new"))).toBe("new");
    expect(codeOf(() => store.update("k", () => Uint8Array.of(0xff)))).toBe("NOT_UTF8");
    expect(store.get("k")).toBe("new");
  });

  test("refuses a value that only counting its bytes shows to be too long", () => {
    using store = KvStore.open(newStorePath());
    expect(codeOf(() => store.set("k", "\u20ac".repeat(180 * 1024 * 1024)))).toBe("INVALID_ARGUMENT");
    expect(store.has("k")).toBe(false);
  });
});
