import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { realDisk } from "../../src/disk/real-disk.ts";
import { KvStore, type KvsError, type OpenOptions } from "../../src/index.ts";
import { codeOf, codeOfAsync, contentOf, errorOf, snapshotOf } from "../support/damage.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath, temporaryDirectory } from "../support/temporary.ts";

const CONFIGURATIONS: readonly OpenOptions[] = [
  {},
  { generationBytes: 1 },
  { durability: "sync" },
  { format: "json" },
  { format: "json", generationBytes: 1 },
];

describe("several handles on one store", () => {
  for (const options of CONFIGURATIONS) {
    const name = JSON.stringify(options);

    test(`see each other's writes at once, also after rotations and compactions: ${name}`, async () => {
      const path = newStorePath();
      const handles = [0, 1, 2].map(() => KvStore.open(path, options));
      for (let round = 0; round < 40; round += 1) {
        const writer = handles[round % 3];
        writer?.set("k", String(round));
        writer?.set(`k${round % 7}`, String(round));
        if (round % 4 === 3) writer?.delete(`k${(round + 3) % 7}`);
        await endTick();
        if (round % 9 === 8) await handles[(round + 1) % 3]?.compact();
        for (const handle of handles) {
          expect(handle.get("k")).toBe(String(round));
          expect(handle.get(`k${round % 7}`)).toBe(String(round));
          if (round % 4 === 3) expect(handle.has(`k${(round + 3) % 7}`)).toBe(false);
        }
        const [first = [], ...others] = handles.map((handle) => [...handle.entries()]);
        for (const other of others) expect(other).toEqual(first);
      }
      for (const handle of handles) handle.close();
    });

    test(`may write in turn in one tick: ${name}`, async () => {
      const path = newStorePath();
      using a = KvStore.open(path, options);
      using b = KvStore.open(path, options);
      for (let round = 0; round < 10; round += 1) {
        a.set(`a${round}`, "1");
        b.set(`b${round}`, "1");
        expect(a.increment("n")).toBe(2 * round + 1);
        expect(b.increment("n")).toBe(2 * round + 2);
        a.set("last", "a");
        b.set("last", "b");
      }
      await endTick();
      expect(a.get("last")).toBe("b");
      expect(a.count()).toBe(22);
      expect(contentOf(path)).toEqual([...b.entries()]);
    });

    test(`write to two stores in one tick without meeting: ${name}`, async () => {
      using a = KvStore.open(newStorePath(), options);
      using b = KvStore.open(newStorePath(), options);
      for (let round = 0; round < 10; round += 1) {
        a.set(`k${round}`, "a");
        b.set(`k${round}`, "b");
      }
      await Promise.all([a.flush(), b.flush(), a.compact(), b.compact()]);
      expect(new Set(a.values())).toEqual(new Set(["a"]));
      expect(new Set(b.values())).toEqual(new Set(["b"]));
    });
  }

  test("that were opened before a foreign rotation read on (a false CORRUPT)", async () => {
    const path = newStorePath();
    using reader = KvStore.open(path);
    reader.set("k", "1");
    await endTick();
    expect(reader.get("k")).toBe("1");
    using writer = KvStore.open(path, { generationBytes: 1 });
    writer.set("x", "1");
    await endTick();
    expect(reader.get("k")).toBe("1");
    expect([...reader.keys()]).toEqual(["k", "x"]);
  });

  for (const format of ["binary", "json"] as const) {
    test(`read what is in an older log there, not in what is buffered for a newer one: ${format}`, async () => {
      const path = newStorePath();
      using reader = KvStore.open(path, { format });
      reader.set("k", "1");
      await endTick();
      using writer = KvStore.open(path, { generationBytes: 1 });
      writer.set("x", "foreign");
      await endTick();
      reader.set("x2", "buffered");
      expect(reader.get("x")).toBe("foreign");
      expect(reader.get("x2")).toBe("buffered");
      await endTick();
      expect(contentOf(path)).toEqual([...reader.entries()]);
    });
  }

  test("that compact at the same time leave one compacted store", async () => {
    const path = newStorePath();
    const handles = [0, 1, 2].map(() => KvStore.open(path, { generationBytes: 200 }));
    for (let round = 0; round < 30; round += 1) handles[round % 3]?.set(`k${round % 4}`, String(round));
    await endTick();
    await Promise.all(handles.map((handle) => handle.compact()));
    for (const handle of handles) expect(handle.count()).toBe(4);
    expect(contentOf(path)).toEqual([
      ["k0", "28"],
      ["k1", "29"],
      ["k2", "26"],
      ["k3", "27"],
    ]);
    for (const handle of handles) handle.close();
  });

  test("wait for a lock that others hold only as long as they may", async () => {
    const path = newStorePath();
    KvStore.open(path).close();
    const holder = realDisk.openLock(join(path, "LOCK"), { create: false });
    expect(holder?.tryLock()).toBe(true);
    using store = KvStore.open(path, { waitMs: 0 });
    const error = errorOf(() => store.set("k", "1"));
    expect(error).toMatchObject({ code: "LOCKED", file: join(path, "LOCK") });
    expect(store.get("k")).toBeUndefined();
    expect(await codeOfAsync(() => store.compact())).toBe("LOCKED");
    holder?.close();
    store.set("k", "1");
    expect(store.get("k")).toBe("1");
  });
});

describe("a handle", () => {
  test("that was closed refuses everything, and may be closed again", async () => {
    const path = newStorePath();
    const store = KvStore.open(path);
    store.set("k", "1");
    store.close();
    store.close();
    store.close({ durability: "os" });
    for (const work of [
      () => store.get("k"),
      () => store.getBytes("k"),
      () => store.has("k"),
      () => store.ttl("k"),
      () => store.set("k", "2"),
      () => store.remove("k"),
      () => store.delete("k"),
      () => store.take("k"),
      () => store.takeBytes("k"),
      () => store.increment("n"),
      () => store.append("k", "x"),
      () => store.update("k", () => "x"),
      () => store.expire("k", 1),
      () => store.persist("k"),
      () => store.deletePrefix("k"),
      () => store.batch([{ remove: "k" }]),
      () => [...store.entries()],
      () => [...store.keys()],
      () => [...store.values()],
      () => store.count(),
      () => store.stats(),
    ]) {
      expect([work.toString(), codeOf(work)]).toEqual([work.toString(), "CLOSED"]);
    }
    expect(await codeOfAsync(() => store.flush())).toBe("CLOSED");
    expect(await codeOfAsync(() => store.compact())).toBe("CLOSED");
    expect(contentOf(path)).toEqual([["k", "1"]]);
  });

  test("is closed by using and await using", async () => {
    const path = newStorePath();
    let escaped: KvStore;
    {
      using store = KvStore.open(path);
      store.set("a", "1");
      escaped = store;
    }
    expect(codeOf(() => escaped.get("a"))).toBe("CLOSED");
    {
      await using store = KvStore.open(path);
      store.set("b", "1");
      escaped = store;
    }
    expect(codeOf(() => escaped.get("a"))).toBe("CLOSED");
    expect(contentOf(path)).toEqual([
      ["a", "1"],
      ["b", "1"],
    ]);
  });

  test("to read only refuses every write and creates nothing", async () => {
    const path = newStorePath();
    expect(codeOf(() => KvStore.open(path, { readOnly: true }))).toBe("NO_STORE");
    expect(codeOf(() => KvStore.open(path, { create: false }))).toBe("NO_STORE");
    mkdirSync(path);
    {
      using empty = KvStore.open(path, { readOnly: true });
      expect(empty.get("k")).toBeUndefined();
      expect(empty.count()).toBe(0);
      expect(empty.stats()).toMatchObject({ keys: 0, generations: [], diskBytes: 0 });
      expect(readdirSync(path)).toEqual([]);
    }
    using writer = KvStore.open(path);
    writer.set("k", "1");
    await endTick();
    using store = KvStore.open(path, { readOnly: true });
    for (const work of [
      () => store.set("k", "2"),
      () => store.delete("k"),
      () => store.increment("n"),
      () => store.append("k", "x"),
      () => store.update("k", () => "x"),
      () => store.take("k"),
      () => store.expire("k", 5),
      () => store.persist("k"),
      () => store.deletePrefix(""),
      () => store.batch([]),
    ]) {
      expect(codeOf(work)).toBe("READ_ONLY");
    }
    expect(await codeOfAsync(() => store.compact())).toBe("READ_ONLY");
    await store.flush();
    expect(store.get("k")).toBe("1");
    writer.set("k", "2");
    await endTick();
    expect(store.get("k")).toBe("2");
  });

  test("reads without a change to any byte, size or time (invariant 9)", async () => {
    const path = newStorePath();
    {
      using store = KvStore.open(path, { generationBytes: 100 });
      for (let round = 0; round < 10; round += 1) store.set(`k${round}`, "1");
      await store.flush();
      await store.compact();
      store.set("k", "1");
    }
    writeFileSync(join(path, "7-9.log.tmp"), "unfinished");
    const before = snapshotOf(path);
    const { mtimeNs } = statSync(path, { bigint: true });
    for (const options of [{}, { readOnly: true }, { durability: "sync" }] as const) {
      using store = KvStore.open(path, options);
      store.get("k");
      store.get("none");
      store.has("k");
      store.ttl("k");
      store.count();
      store.stats();
      for (const _ of store.entries({ reverse: true })) continue;
      await store.flush();
    }
    expect(snapshotOf(path)).toEqual(before);
    expect(statSync(path, { bigint: true }).mtimeNs).toBe(mtimeNs);
  });

  test("gives all descriptors back", async () => {
    if (process.platform !== "linux") return;
    const path = newStorePath();
    const open = (): string[] =>
      readdirSync("/proc/self/fd")
        .map((fd) => targetOf(`/proc/self/fd/${fd}`))
        .filter((target) => target.startsWith(path));
    const work = async (): Promise<void> => {
      using store = KvStore.open(path, { generationBytes: 1 });
      for (let round = 0; round < 8; round += 1) {
        store.set(`k${round}`, "1");
        await endTick();
      }
      for (const _ of store.entries()) break;
      await Promise.all([store.flush(), store.compact()]);
      codeOf(() => store.update("k", () => "\ud800"));
      expect(codeOf(() => KvStore.open(join(path, "LOCK")))).not.toBe("none");
    };
    for (let round = 0; round < 5; round += 1) await work();
    // A sink gives its descriptor back on another thread, soon after it ended.
    for (let wait = 0; wait < 200 && open().length > 0; wait += 1) await Bun.sleep(10);
    expect(open()).toEqual([]);
  });
});

/** Where a symbolic link leads; empty when it is gone. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}

describe("open", () => {
  test("refuses bad options and paths", () => {
    const path = newStorePath();
    for (const options of [
      { durability: "never" },
      { format: "xml" },
      { generationBytes: 0 },
      { generationBytes: Number.NaN },
      { generationBytes: -1 },
      { generationBytes: 1.5 },
      { waitMs: -1 },
      { waitMs: Number.NaN },
      { colour: "red" },
      { toString: 1 },
    ]) {
      expect([options, codeOf(() => KvStore.open(path, options as OpenOptions))]).toEqual([
        options,
        "INVALID_ARGUMENT",
      ]);
    }
    expect(codeOf(() => KvStore.open(""))).toBe("INVALID_ARGUMENT");
    expect(codeOf(() => KvStore.open(join(path, "parent is missing")))).toBe("IO");
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "");
    expect(codeOf(() => KvStore.open(file))).toBe("IO");
    expect(codeOf(() => KvStore.open(join(file, "below")))).toBe("IO");
    expect(readdirSync(join(path, ".."))).toEqual([]);
  });

  test("names the file and the system's code in an error", () => {
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "");
    const error: KvsError = errorOf(() => KvStore.open(file));
    expect(error.message).toContain(`"${file}"`);
    expect(error.file).toBe(file);
    expect((error.cause as { code?: string }).code).toBe("ENOTDIR");
  });

  test("with create off makes no store in a directory that holds none", () => {
    const path = newStorePath();
    mkdirSync(path);
    const code = codeOf(() => {
      using store = KvStore.open(path, { create: false });
      store.set("k", "1");
    });
    expect(code).toBe("NO_STORE");
    expect(readdirSync(path)).toEqual([]);
  });

  test("makes files and directory for their owner only", async () => {
    const before = process.umask(0);
    try {
      const path = newStorePath();
      using store = KvStore.open(path, { generationBytes: 1 });
      store.set("a", "1");
      store.set("a", "2");
      await store.compact();
      expect(statSync(path).mode & 0o777).toBe(0o700);
      const names = readdirSync(path);
      expect(names).toContain("LOCK");
      expect(names).toContain("COMPACT");
      for (const name of names)
        expect([name, statSync(join(path, name)).mode & 0o777]).toEqual([name, 0o600]);
    } finally {
      process.umask(before);
    }
  });

  test("keeps the format of a store that is there, whatever is asked for", async () => {
    const path = newStorePath();
    {
      using store = KvStore.open(path, { format: "json" });
      store.set("k", "1");
    }
    using store = KvStore.open(path, { format: "binary" });
    store.set("k", "2");
    expect(store.stats().format).toBe("json");
  });

  test("knows its directory from the root", () => {
    const path = newStorePath();
    const before = process.cwd();
    process.chdir(join(path, ".."));
    try {
      using store = KvStore.open("store");
      process.chdir("/");
      store.set("k", "1");
      expect(store.get("k")).toBe("1");
      expect(store.directory).toBe(path);
    } finally {
      process.chdir(before);
    }
  });
});

describe("arguments", () => {
  test("that are no keys or values are refused before anything is written", async () => {
    const path = newStorePath();
    using store = KvStore.open(path);
    store.set("k", "1");
    await endTick();
    const before = snapshotOf(path, { except: "LOCK" });
    const wrong = [5, null, undefined, {}, ["k"], new ArrayBuffer(1)] as unknown as string[];
    const keys = [
      "\ud800",
      "a\udc00b",
      "x".repeat(65_536),
      "ü".repeat(32_768),
      new Uint8Array(65_536),
      ...wrong,
    ];
    for (const key of keys) {
      for (const work of [
        () => store.get(key),
        () => store.getBytes(key),
        () => store.has(key),
        () => store.ttl(key),
        () => store.set(key, "v"),
        () => store.delete(key),
        () => store.remove(key),
        () => store.take(key),
        () => store.increment(key),
        () => store.append(key, "x"),
        () => store.update(key, () => "x"),
        () => store.expire(key, 5),
        () => store.persist(key),
        () => store.batch([{ remove: key }]),
      ]) {
        expect([work.toString(), codeOf(work)]).toEqual([work.toString(), "INVALID_ARGUMENT"]);
      }
    }
    for (const value of ["\ud800", ...wrong]) {
      expect(codeOf(() => store.set("k", value))).toBe("INVALID_ARGUMENT");
      expect(codeOf(() => store.append("k", value))).toBe("INVALID_ARGUMENT");
      expect(codeOf(() => store.batch([{ set: ["k", value] }]))).toBe("INVALID_ARGUMENT");
    }
    for (const ttlMs of [
      0,
      -1,
      0.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.MAX_SAFE_INTEGER,
      "5" as unknown as number,
    ]) {
      expect(codeOf(() => store.set("k", "v", { ttlMs }))).toBe("INVALID_ARGUMENT");
      expect(codeOf(() => store.expire("k", ttlMs))).toBe("INVALID_ARGUMENT");
      expect(codeOf(() => store.batch([{ set: ["k", "v"], ttlMs }]))).toBe("INVALID_ARGUMENT");
    }
    await endTick();
    expect(snapshotOf(path, { except: "LOCK" })).toEqual(before);
    expect(store.get("k")).toBe("1");
  });

  test("that expect a value which can never be are refused", () => {
    using store = KvStore.open(newStorePath());
    store.set("k", "\ufffd");
    for (const ifEquals of ["\ud800", 5 as unknown as string, null as unknown as string]) {
      expect([ifEquals, codeOf(() => store.set("k", "x", { ifEquals }))]).toEqual([
        ifEquals,
        "INVALID_ARGUMENT",
      ]);
      expect([ifEquals, codeOf(() => store.delete("k", { ifEquals }))]).toEqual([
        ifEquals,
        "INVALID_ARGUMENT",
      ]);
    }
    expect(store.get("k")).toBe("\ufffd");
  });
});

describe("a store that is removed under an open handle", () => {
  test("is an error or empty, and another store in its place is not mixed with it", async () => {
    const path = newStorePath();
    const old = KvStore.open(path);
    old.set("a", "1");
    await endTick();
    rmSync(path, { recursive: true });
    {
      using fresh = KvStore.open(path);
      fresh.set("b", "1");
    }
    codeOf(() => {
      old.set("c", "1");
      old.close();
    });
    await endTick();
    codeOf(() => old.close());
    const found = contentOf(path);
    expect(found.filter(([key]) => key !== "c")).toEqual([["b", "1"]]);
  });
});
