import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { maintainStore } from "../../src/engine/maintain-store.ts";
import { resolveOptions } from "../../src/engine/options.ts";
import { KvStore, type LogFormat } from "../../src/index.ts";
import { codeOfAsync, contentOf, logsOf } from "../support/damage.ts";
import { fastDisk, HookedDisk, type Verdict } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

for (const format of ["binary", "json"] as const satisfies readonly LogFormat[]) {
  describe(`compact, ${format}`, () => {
    test("merges all generations into one without stale records", async () => {
      using store = KvStore.open(newStorePath(), { format, generationBytes: 300, autoCompact: false });
      for (let round = 0; round < 50; round += 1) store.set(`k${round % 5}`, `value ${round}`);
      for (let round = 0; round < 3; round += 1) store.delete(`k${round}`);
      await endTick();
      const before = store.stats();
      expect(before.generations.length).toBeGreaterThan(5);
      expect(before.staleBytes).toBeGreaterThan(0);
      const result = await store.compact();
      const after = store.stats();
      expect(result.generationsMerged).toBeGreaterThanOrEqual(before.generations.length);
      expect(result.bytesAfter).toBeLessThan(result.bytesBefore);
      expect(after.staleBytes).toBe(0);
      expect(after.keys).toBe(2);
      expect(after.generations.length).toBe(2);
      expect(logsOf(store.directory).toSorted()).toEqual(
        after.generations.map(({ name }) => name).toSorted(),
      );
      expect([...store.entries()]).toEqual([
        ["k3", "value 48"],
        ["k4", "value 49"],
      ]);
      expect(contentOf(store.directory)).toEqual([...store.entries()]);
    });

    test("a second time in a row has nothing to do and changes no log", async () => {
      using store = KvStore.open(newStorePath(), { format });
      expect(await store.compact()).toEqual({ bytesBefore: 0, bytesAfter: 0, generationsMerged: 0 });
      store.set("a", "1");
      store.set("a", "2");
      expect((await store.compact()).generationsMerged).toBe(2);
      const logs = logsOf(store.directory);
      expect(await store.compact()).toEqual({ bytesBefore: 0, bytesAfter: 0, generationsMerged: 0 });
      expect(logsOf(store.directory)).toEqual(logs);
    });

    test("keeps expiries, bytes and text as they are", async () => {
      using store = KvStore.open(newStorePath(), { format });
      store.set("t", "1", { ttlMs: 1_000_000_000 });
      store.set("b", Uint8Array.of(0xff, 0));
      store.set("u", "ü");
      store.set("u", "€");
      await store.compact();
      expect(Number(store.ttl("t"))).toBeWithin(999_000_000, 1_000_000_001);
      expect(store.getBytes("b")).toEqual(Uint8Array.of(0xff, 0));
      expect(store.get("u")).toBe("€");
    });

    test("lets reads and writes go on, which win over what it merges", async () => {
      using store = KvStore.open(newStorePath(), { format, generationBytes: 4000 });
      const value = "v".repeat(200);
      for (let index = 0; index < 1000; index += 1) store.set(`k${index}`, value);
      for (let round = 0; round < 3; round += 1) {
        const compaction = store.compact();
        for (let index = 0; index < 50; index += 1) {
          store.set(`k${index}`, `new ${round}`);
          store.delete(`k${index + 100}`);
          expect(store.get(`k${index}`)).toBe(`new ${round}`);
          if (index % 10 === 0) await endTick();
        }
        await compaction;
        expect(store.count()).toBe(950);
      }
      expect(store.get("k0")).toBe("new 2");
      expect(store.has("k149")).toBe(false);
      expect(contentOf(store.directory)).toEqual([...store.entries()]);
    });

    test("to the other format rewrites everything in it", async () => {
      const other = format === "binary" ? "json" : "binary";
      using store = KvStore.open(newStorePath(), { format });
      store.batch([{ set: ["a", "1"] }, { set: [Buffer.of(0xff), Buffer.of(0xfe)] }]);
      const before = [...store.entries({ encoding: "bytes" })];
      await store.compact({ format: other });
      store.set("later", "1");
      await endTick();
      expect(store.stats().format).toBe(other);
      expect(store.stats().generations.every((generation) => generation.format === other)).toBe(true);
      const isJson = logsOf(store.directory).map(
        (name) => readFileSync(join(store.directory, name))[0] === 0x7b,
      );
      expect(new Set(isJson)).toEqual(new Set([other === "json"]));
      store.delete("later");
      await store.compact({ format });
      expect([...store.entries({ encoding: "bytes" })]).toEqual(before);
      expect(store.stats().format).toBe(format);
    });

    test("of an empty store to the other format is kept by the next handle", async () => {
      const other = format === "binary" ? "json" : "binary";
      const path = newStorePath();
      {
        using store = KvStore.open(path, { format });
        await store.compact({ format: other });
      }
      using store = KvStore.open(path);
      store.set("k", "1");
      expect(store.stats().format).toBe(other);
    });
  });
}

describe("compact", () => {
  test("refuses a format that there is not", async () => {
    using store = KvStore.open(newStorePath());
    expect(await codeOfAsync(() => store.compact({ format: "xml" as LogFormat }))).toBe("INVALID_ARGUMENT");
  });

  test("on a handle that is closed meanwhile leaves the store whole", async () => {
    const path = newStorePath();
    const store = KvStore.open(path, { generationBytes: 2000 });
    for (let index = 0; index < 500; index += 1) store.set(`k${index % 250}`, "v".repeat(50));
    const compaction = codeOfAsync(() => store.compact());
    await endTick();
    store.close();
    expect(["none", "CLOSED"]).toContain(await compaction);
    using again = KvStore.open(path);
    expect(again.count()).toBe(250);
    await again.compact();
    expect(again.count()).toBe(250);
    expect(readdirSync(path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("compact, of logs whose indexes are still to be made,", () => {
  /** A store of three sealed logs without indexes. */
  async function unindexedStore(): Promise<string> {
    const path = newStorePath();
    using store = KvStore.openOn(fastDisk(), path, { generationBytes: 20_000, autoCompact: false });
    for (let number = 0; number < 500; number += 1) store.set(`k${number}`, `${number}`.padEnd(100));
    await endTick();
    store.close();
    for (const name of indexesOf(path)) rmSync(join(path, name));
    return path;
  }

  const indexesOf = (path: string): string[] => readdirSync(path).filter((name) => name.endsWith(".idx"));

  test("calls their making off, and leaves nothing of it", async () => {
    using store = KvStore.open(await unindexedStore());
    const { generationsMerged } = await store.compact();
    expect(generationsMerged).toBeGreaterThan(3);
    const last = generationsMerged + 1;
    expect(readdirSync(store.directory).toSorted()).toEqual(
      [
        `1-${generationsMerged}.idx`,
        `1-${generationsMerged}.log`,
        `${last}.log`,
        "COMPACT",
        "LOCK",
      ].toSorted(),
    );
    expect(store.count()).toBe(500);
    expect(store.get("k77")?.trim()).toBe("77");
    expect((await store.verify()).damage).toEqual([]);
  });

  test("has them made after all where it fails", async () => {
    const path = await unindexedStore();
    const log = readFileSync(join(path, "2.log"));
    log.write("K", log.indexOf("k200"));
    writeFileSync(join(path, "2.log"), log);
    using store = KvStore.open(path);
    expect(await codeOfAsync(async () => store.compact())).toBe("CORRUPT");
    const deadline = performance.now() + 20_000;
    while (!["1.idx", "3.idx"].every((name) => indexesOf(path).includes(name))) {
      if (performance.now() > deadline) throw new Error("No indexes were made");
      await Bun.sleep(20);
    }
    expect(indexesOf(path)).not.toContain("2.idx");
  });
});

describe("stats", () => {
  test("counts keys, live and stale bytes exactly", async () => {
    using store = KvStore.open(newStorePath());
    store.set("a", "1");
    const { liveBytes: one } = store.stats();
    store.set("b", "1");
    store.set("a", "2");
    expect(store.stats()).toMatchObject({ keys: 2, liveBytes: 2 * one, staleBytes: one });
    store.delete("b");
    // A removal is a record without a value.
    expect(store.stats()).toMatchObject({ keys: 1, liveBytes: one, staleBytes: 2 * one + one - 1 });
    const { generations, diskBytes } = store.stats();
    expect(generations).toHaveLength(1);
    expect(generations[0]).toMatchObject({
      name: "1.log",
      first: 1,
      last: 1,
      sealed: false,
      records: 4,
      format: "binary",
    });
    expect(diskBytes).toBe(readFileSync(join(store.directory, "1.log")).length);
  });
});

describe("a merge in the background", () => {
  test("lost all that was in a log which another process sealed as the merge began, and the store was damaged", () => {
    const path = newStorePath();
    const rotatingAtOnce = { generationBytes: 1, autoCompact: false };
    {
      using store = KvStore.open(path, rotatingAtOnce);
      store.batch([{ set: ["a", "1"] }, { set: ["a", "2"] }]);
    }
    let isFirst = true;
    const disk = new HookedDisk(({ method, path: file }): Verdict => {
      if (method !== "lock.tryLock" || basename(file) !== "LOCK" || !isFirst) return undefined;
      isFirst = false;
      using other = KvStore.open(path, rotatingAtOnce);
      other.set("b", "3");
      return undefined;
    });
    maintainStore(disk, path, resolveOptions({ compactionThreshold: 0, compactionRatio: 0 }));
    expect(isFirst).toBe(false);
    expect(contentOf(path)).toEqual([
      ["a", "2"],
      ["b", "3"],
    ]);
    expect(logsOf(path)).toEqual(["1-2.log", "3.log", "4.log"]);
  });
});

test("logs that were filled to one size are merged together, though their sizes differ a little", async () => {
  const path = newStorePath();
  const lengths = [1020, 1020, 1020, 1010, 1010, 1010, 1010, 1010, 1020, 1020, 1020, 1019];
  {
    using store = KvStore.openOn(fastDisk(), path, { generationBytes: 1000, autoCompact: false });
    for (const [number, length] of lengths.entries()) {
      store.set(`k${number + 10}`, "v".repeat(length));
      await endTick();
    }
  }
  expect(logsOf(path).length).toBe(13);
  maintainStore(fastDisk(), path, resolveOptions({}));
  expect(logsOf(path)).toEqual(["1-12.log", "13.log"]);
});

test("more than eight logs, the newest like none before it, are merged where that takes least", async () => {
  const path = newStorePath();
  {
    using store = KvStore.openOn(fastDisk(), path, { generationBytes: 1000, autoCompact: false });
    for (const [number, kilobytes] of [50, 50, 50, 50, 50, 1, 1, 40, 20].entries()) {
      store.set(`k${number}`, "v".repeat(kilobytes * 1024));
      await endTick();
    }
  }
  maintainStore(fastDisk(), path, resolveOptions({}));
  expect(logsOf(path).toSorted()).toEqual(
    ["1", "2", "3", "4", "5", "6-7", "8", "9", "10"].map((name) => `${name}.log`).toSorted(),
  );
});

describe("flush", () => {
  test("is a barrier: what was set before is synced when it resolves, in one sync for all callers", async () => {
    const path = newStorePath();
    const synced: string[] = [];
    const disk = new HookedDisk((call): Verdict => {
      if (call.method === "append.syncInBackground") synced.push(call.path);
      return undefined;
    });
    using store = KvStore.openOn(disk, path);
    store.set("a", "1");
    await Promise.all(Array.from({ length: 20 }, () => store.flush()));
    expect(synced.length).toBeGreaterThanOrEqual(1);
    expect(synced.length).toBeLessThanOrEqual(2);
    synced.length = 0;
    await store.flush();
    expect(synced).toEqual([]);
    store.set("b", "1");
    await store.flush();
    expect(synced).toEqual([join(path, "1.log")]);
  });

  test("in sync every write is synced before it returns", () => {
    const path = newStorePath();
    let unsynced = 0;
    const disk = new HookedDisk((call): Verdict => {
      if (!call.path.endsWith("/1.log")) return undefined;
      if (call.method === "append.append") unsynced += call.bytes;
      if (call.method === "append.sync") unsynced = 0;
      return undefined;
    });
    using store = KvStore.openOn(disk, path, { durability: "sync" });
    using other = KvStore.openOn(disk, path);
    const writes: readonly (() => unknown)[] = [
      () => store.set("a", "1"),
      () => store.delete("a"),
      () => store.batch([{ set: ["b", "1"] }]),
      () => store.increment("n"),
      () => store.append("b", "1"),
      () => store.update("b", () => "2"),
      () => store.expire("b", 100_000),
      () => store.take("b"),
      () => store.deletePrefix("n"),
    ];
    for (const write of writes) {
      write();
      expect(unsynced).toBe(0);
    }
    // An answer that rests on what another handle has not synced makes it durable first.
    for (const answer of [
      () => store.delete("none"),
      () => store.set("o", "2", { ifAbsent: true }),
      () => store.take("none"),
      () => store.expire("none", 1),
      () => store.deletePrefix("none"),
      () => store.update("o", () => {}),
    ]) {
      other.set("o", "1");
      other.increment("n");
      expect(unsynced).toBeGreaterThan(0);
      answer();
      expect(unsynced).toBe(0);
    }
  });

  test("flushSync syncs many writes once, and answers that rest on what others wrote", () => {
    const path = newStorePath();
    const synced: string[] = [];
    const disk = new HookedDisk((call): Verdict => {
      if (call.method === "append.sync" && call.path.endsWith("/1.log")) synced.push(call.path);
      return undefined;
    });
    using store = KvStore.openOn(disk, path);
    using other = KvStore.openOn(disk, path);
    for (let at = 0; at < 100; at++) store.set(`k${at}`, "v");
    store.flushSync();
    expect(synced).toHaveLength(1);
    store.flushSync();
    expect(synced).toHaveLength(1);
    other.set("o", "1");
    other.flushSync({ durability: "os" });
    expect(synced).toHaveLength(1);
    expect(store.set("o", "2", { ifAbsent: true })).toBe(false);
    store.flushSync();
    expect(synced).toHaveLength(2);
  });

  test("flushSync lets others write before the tick ends, with durability os too", () => {
    const path = newStorePath();
    using store = KvStore.open(path);
    using other = KvStore.open(path, { waitMs: 0 });
    for (const durability of ["os", "sync"] as const) {
      store.set("k", "1");
      store.flushSync({ durability });
      other.set("k", "2");
      other.flushSync({ durability });
      expect(store.get("k")).toBe("2");
    }
  });
});

describe("a store with as many generations as there may be", () => {
  test("lets the newest log grow until a merge has made room, loses nothing, and counts it", async () => {
    const path = newStorePath();
    const options = { generationBytes: 300, autoCompact: false };
    using store = KvStore.open(path, options);
    for (let number = 0; number < 1000; number += 1) {
      store.set(`k${number}`, "v".repeat(50));
      if (number % 10 === 0) await endTick();
    }
    const crowded = store.stats();
    expect(crowded.generations.length).toBe(40);
    expect(crowded.rotationsPostponed).toBe(1);
    expect(crowded.keys).toBe(1000);
    expect(crowded.generations.at(-1)?.bytes).toBeGreaterThan(10_000);
    await store.compact();
    for (let number = 0; number < 20; number += 1) store.set(`m${number}`, "v".repeat(50));
    expect(store.stats().generations.length).toBeGreaterThan(2);
    expect(store.count()).toBe(1020);
    using other = KvStore.open(path, { readOnly: true });
    expect(other.stats().rotationsPostponed).toBe(1);
  });

  test("has them merged by the next writer that may", async () => {
    const path = newStorePath();
    {
      using store = KvStore.open(path, { generationBytes: 300, autoCompact: false });
      for (let number = 0; number < 400; number += 1) store.set(`k${number}`, "v".repeat(50));
    }
    {
      using store = KvStore.open(path, { generationBytes: 300 });
      expect(store.stats().generations.length).toBe(40);
      store.set("one more", "v".repeat(300));
    }
    using store = KvStore.open(path, { readOnly: true });
    expect(store.stats().generations.length).toBeLessThan(15);
    expect(store.count()).toBe(401);
  });
});
