import { describe, expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { KvStore } from "../../src/index.ts";
import { KVS } from "../cli/run-kvs.ts";
import {
  Crash,
  type DiskCall,
  fastDisk,
  HookedDisk,
  systemError,
  type Verdict,
} from "../support/hooked-disk.ts";
import { codeOf, contentOf } from "../support/damage.ts";
import { endTick } from "../support/scripted-run.ts";
import { injecting, isLinux } from "../support/strace.ts";
import { newStorePath } from "../support/temporary.ts";

/** Fails the first call that matches, once. */
function failOnce(matches: (call: DiskCall) => boolean, code = "EIO"): HookedDisk & { armed: boolean } {
  const disk = Object.assign(
    new HookedDisk((call): Verdict => {
      if (!disk.armed || !matches(call)) return undefined;
      disk.armed = false;
      return { error: systemError(code, call.path) };
    }),
    { armed: false },
  );
  return disk;
}

describe("a failed append", () => {
  test("that takes earlier writes of the tick with it lets flush fail", async () => {
    const disk = failOnce((call) => call.method === "append.append", "ENOSPC");
    const path = newStorePath();
    const store = KvStore.openOn(disk, path);
    disk.armed = true;
    store.set("a", "1");
    expect(codeOf(() => store.increment("n"))).toBe("IO");
    const flushed = await store.flush().then(
      () => true,
      () => false,
    );
    expect(flushed ? contentOf(path) : "flush rejected").toEqual(flushed ? [["a", "1"]] : "flush rejected");
  });

  test("during a scan that hands earlier writes over lets flush fail", async () => {
    const disk = failOnce((call) => call.method === "append.append", "ENOSPC");
    const path = newStorePath();
    const store = KvStore.openOn(disk, path);
    disk.armed = true;
    store.set("a", "1");
    expect(codeOf(() => [...store.keys()])).toBe("IO");
    const flushed = await store.flush().then(
      () => true,
      () => false,
    );
    expect(flushed ? contentOf(path) : "flush rejected").toEqual(flushed ? [["a", "1"]] : "flush rejected");
  });
});

test.skipIf(!isLinux)("a hint to begin to write that fails stops no compaction (needs strace)", () => {
  const path = newStorePath();
  using store = KvStore.open(path, { autoCompact: false });
  // More than one chunk of a merge's output.
  for (let at = 0; at < 100; at += 1) store.set(`k${at % 50}`, `${at}`.padEnd(50_000, "x"));
  store.close();
  const before = contentOf(path);
  const command = { argv: [KVS, "--dir", path, "compact"], env: {} };
  const failing = injecting(command, { name: "sync_file_range", nth: 1 }, "error=EIO", { forEver: true });
  const { exitCode } = Bun.spawnSync([...failing.argv], { env: process.env });
  expect(exitCode).toBe(0);
  expect(contentOf(path)).toEqual(before);
});

describe("an update's callback", () => {
  for (const [name, work] of [
    ["stats", (store: KvStore) => void store.stats()],
    ["flush", (store: KvStore) => void store.flush().catch(() => {})],
    ["close", (store: KvStore) => store.close()],
    ["compact", (store: KvStore) => void store.compact().catch(() => {})],
    ["a scan", (store: KvStore) => void [...store.keys()]],
  ] as const) {
    test(`may call ${name} without the write being lost unsaid`, async () => {
      const path = newStorePath();
      const store = KvStore.open(path);
      store.set("other", "x");
      const code = codeOf(() =>
        store.update("k", () => {
          work(store);
          return "1";
        }),
      );
      await endTick();
      const expected =
        code === "none"
          ? [
              ["k", "1"],
              ["other", "x"],
            ]
          : [["other", "x"]];
      expect(contentOf(path)).toEqual(expected as [string, string][]);
      if (code !== "none") expect(code).toBe("INVALID_ARGUMENT");
      store.close();
    });
  }
});

describe("a rotation that fails half-way", () => {
  test("at the hint after the seal loses nothing that is written later in the tick", async () => {
    const path = newStorePath();
    KvStore.openOn(fastDisk(), path).close();
    let sealed = false;
    const disk = new HookedDisk((call): Verdict => {
      if (call.method === "append.append" && call.bytes === 40) sealed = true;
      if (!sealed || call.method !== "lock.write") return undefined;
      sealed = false;
      return { error: systemError("EIO", call.path) };
    });
    const store = KvStore.openOn(disk, path, { generationBytes: 1 });
    store.set("a", "1");
    store.set("b", "2");
    await endTick();
    const state = codeOf(() => store.get("a"));
    if (state === "none")
      expect(contentOf(path)).toEqual([
        ["a", "1"],
        ["b", "2"],
      ]);
  });

  for (const method of [
    "lock.write",
    "openToAppend",
    "readable.size",
    "syncDirectory",
    "openToRead",
    "create",
    "append.append",
    "append.sync",
    "rename",
  ]) {
    for (let skip = 0; skip < 6; skip += 1) {
      test(`at ${method} number ${skip} loses nothing`, async () => {
        const path = newStorePath();
        KvStore.openOn(fastDisk(), path).close();
        let left = skip;
        let armed = false;
        const disk = new HookedDisk((call): Verdict => {
          if (!armed || call.method !== method || left < 0) return undefined;
          left -= 1;
          return left < 0 ? { error: systemError("EIO", call.path) } : undefined;
        });
        const store = KvStore.openOn(disk, path, { generationBytes: 1 });
        armed = true;
        const acked: [string, string][] = [];
        let surfaced = false;
        try {
          for (const key of ["a", "b", "c", "d"]) {
            store.set(key, "1");
            acked.push([key, "1"]);
          }
        } catch {
          surfaced = true;
        }
        await endTick();
        surfaced ||= codeOf(() => store.get("a")) !== "none";
        if (!surfaced) expect(contentOf(path)).toEqual(acked);
        else contentOf(path);
        using again = KvStore.openOn(fastDisk(), path);
        again.set("z", "9");
        expect(again.get("z")).toBe("9");
      });
    }
  }

  test("by a failed sync stops a deletePrefix of several frames", async () => {
    const path = newStorePath();
    {
      using store = KvStore.openOn(fastDisk(), path);
      store.batch(Array.from({ length: 2500 }, (_, index) => ({ set: [`k${index}`, "v"] as const })));
    }
    const disk = failOnce((call) => call.method === "append.sync");
    const store = KvStore.openOn(disk, path, { generationBytes: 1000 });
    disk.armed = true;
    codeOf(() => store.deletePrefix("k"));
    await endTick();
    const left = contentOf(path).length;
    expect([0, 500, 1500, 2500]).toContain(left);
    using again = KvStore.openOn(fastDisk(), path);
    again.set("z", "9");
  });

  test("in a compaction is not built on by a handle whose view is old", async () => {
    const path = newStorePath();
    const disk = failOnce((call) => call.method === "syncDirectory");
    const writer = KvStore.openOn(disk, path);
    writer.set("old", "0");
    await endTick();
    disk.armed = true;
    await writer.compact().catch(() => {});
    const other = KvStore.openOn(fastDisk(), path);
    expect(other.get("old")).toBe("0");
    writer.set("a", "1");
    await endTick();
    expect(other.get("a")).toBe("1");
    other.set("b", "2");
    await endTick();
    expect(contentOf(path)).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["old", "0"],
    ]);
  });

  test("by a kill is not built on by a handle that read in between", async () => {
    const path = newStorePath();
    KvStore.openOn(fastDisk(), path).close();
    const reader = KvStore.openOn(fastDisk(), path);
    let inBetween = false;
    const disk = new HookedDisk((call): Verdict => {
      if (call.method === "create") {
        reader.get("x");
        inBetween = true;
      }
      return inBetween && call.method === "syncDirectory" ? { error: new Crash("killed") } : undefined;
    });
    const writer = KvStore.openOn(disk, path, { generationBytes: 1 });
    codeOf(() => writer.set("a", "1"));
    await endTick();
    const third = KvStore.openOn(fastDisk(), path);
    expect(third.get("a")).toBe("1");
    reader.set("b", "2");
    await endTick();
    expect(third.get("b")).toBe("2");
    third.set("c", "3");
    await endTick();
    expect(contentOf(path)).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
    ]);
  });
});

test("recovery of a suspect store may be killed after each publish", async () => {
  const path = newStorePath();
  const disk = failOnce((call) => call.method === "append.sync");
  const store = KvStore.openOn(disk, path, { durability: "sync" });
  disk.armed = true;
  expect(codeOf(() => store.set("a", "1"))).toBe("IO");
  await endTick();
  codeOf(() => store.close());
  for (let round = 0; round < 3; round += 1) {
    let published = false;
    const dying = new HookedDisk((call): Verdict => {
      if (published) return { error: new Crash("killed") };
      if (call.method === "rename" && call.path.endsWith(".log")) published = true;
      return undefined;
    });
    codeOf(() => KvStore.openOn(dying, path).set("b", "1"));
    await endTick();
    expect(dying.crashed).toBe(true);
  }
  using again = KvStore.openOn(fastDisk(), path);
  again.set("c", "3");
  await again.compact();
  expect([...again.keys()]).toEqual(["a", "c"]);
});

describe("damage behind a seal", () => {
  test("of the newest log is loud", async () => {
    const path = newStorePath();
    const disk = failOnce((call) => call.method === "create");
    const store = KvStore.openOn(disk, path, { generationBytes: 1 });
    disk.armed = true;
    store.set("a", "1");
    store.close();
    expect(readdirSync(path).filter((name) => name.endsWith(".log"))).toEqual(["1.log"]);
    appendFileSync(join(path, "1.log"), "junk");
    expect(codeOf(() => contentOf(path))).toBe("CORRUPT");
    expect(codeOf(() => KvStore.openOn(fastDisk(), path).set("b", "1"))).toBe("CORRUPT");
  });
});

describe("a file LOCK that is removed while handles are open", () => {
  test("does not let them overwrite each other's logs", async () => {
    const path = newStorePath();
    const first = KvStore.openOn(fastDisk(), path);
    first.set("a", "1");
    await endTick();
    expect(first.get("a")).toBe("1");
    rmSync(join(path, "LOCK"));
    const second = KvStore.openOn(fastDisk(), path, { generationBytes: 1 });
    second.set("b", "2");
    await endTick();
    second.set("c", "3");
    await endTick();
    first.set("d", "4");
    await endTick();
    expect(contentOf(path)).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
      ["d", "4"],
    ]);
  });

  test("is noticed by a handle's next write, which then builds on the others' writes", async () => {
    const path = newStorePath();
    const first = KvStore.openOn(fastDisk(), path);
    first.set("a", "1");
    await endTick();
    expect(first.get("a")).toBe("1");
    rmSync(join(path, "LOCK"));
    const second = KvStore.openOn(fastDisk(), path);
    second.set("a", "2");
    await endTick();
    first.set("b", "3");
    expect(first.get("a")).toBe("2");
    await endTick();
    expect(second.get("b")).toBe("3");
  });
});

test("a write whose encoding fails leaves nothing behind", async () => {
  const path = newStorePath();
  const store = KvStore.open(path);
  const detached = new Uint8Array(8);
  structuredClone(detached, { transfer: [detached.buffer] });
  codeOf(() => store.set("k", detached));
  codeOf(() => store.batch([{ set: ["x", "1"] }, { set: ["k", detached] }]));
  store.delete("k");
  store.set("z", "1");
  await endTick();
  const found = contentOf(path);
  expect(found.filter(([key]) => key === "z")).toEqual([["z", "1"]]);
});

test("superseded logs stay while the log that replaces them is damaged", async () => {
  const path = newStorePath();
  const failing = (call: DiskCall): boolean => call.method === "unlink" && call.path.endsWith("/1.log");
  const disk = new HookedDisk((call) =>
    failing(call) ? { error: systemError("EIO", call.path) } : undefined,
  );
  const store = KvStore.openOn(disk, path);
  store.set("a", "older value");
  store.set("a", "value of a");
  store.set("b", "value of b");
  await endTick();
  await store.compact().catch(() => {});
  store.close();
  expect(readdirSync(path)).toContain("1.log");
  const merged = readdirSync(path).find((name) => /^1-\d+\.log$/.test(name)) ?? "";
  const bytes = readFileSync(join(path, merged));
  const at = bytes.indexOf("value of a");
  bytes[at] = 0x58;
  writeFileSync(join(path, merged), bytes);
  using again = KvStore.openOn(fastDisk(), path);
  await again.compact().catch(() => {});
  expect(existsSync(join(path, "1.log"))).toBe(true);
});

test("a cut whose sync failed is made durable before anything is appended", async () => {
  const path = newStorePath();
  {
    using store = KvStore.openOn(fastDisk(), path);
    store.set("a", "1");
  }
  appendFileSync(join(path, "1.log"), "torn");
  const disk = failOnce((call) => call.method === "append.sync");
  disk.armed = true;
  const store = KvStore.openOn(disk, path);
  expect(codeOf(() => store.set("b", "2"))).toBe("IO");
  const before = disk.calls.length;
  const code = codeOf(() => store.set("b", "2"));
  await endTick();
  if (code === "none") {
    const calls = disk.calls.slice(before);
    const append = calls.findIndex((call) => call.method === "append.append" && call.path.endsWith("1.log"));
    const sync = calls.findIndex((call) => call.method === "append.sync");
    expect(append === -1 || (sync !== -1 && sync < append)).toBe(true);
  }
});

test("flush covers what is set while another flush is under way", async () => {
  for (let offset = 0; offset < 4; offset += 1) {
    const path = newStorePath();
    let synced = 0;
    const disk = new HookedDisk((call): Verdict => {
      if (call.method.startsWith("append.sync") && call.path.endsWith("/1.log"))
        synced = statSync(call.path).size;
      return undefined;
    });
    const store = KvStore.openOn(disk, path);
    store.set("a", "1");
    const first = store.flush();
    store.set("b", "2");
    const second = store.flush();
    for (let hop = 0; hop < offset; hop += 1) await Promise.resolve();
    for (let hop = 0; hop < 40; hop += 1) {
      store.set("c", String(hop));
      const before = synced;
      await Promise.resolve();
      if (synced !== before) break;
    }
    await Promise.all([first, second]);
    await store.flush();
    expect(synced).toBe(statSync(join(path, "1.log")).size);
    store.close();
  }
});

test("a lone surrogate as the expected value is refused", () => {
  using store = KvStore.open(newStorePath());
  store.set("k", "\ufffd");
  expect(codeOf(() => store.set("k", "x", { ifEquals: "\ud800" }))).toBe("INVALID_ARGUMENT");
  expect(codeOf(() => store.delete("k", { ifEquals: "\ud800" }))).toBe("INVALID_ARGUMENT");
});

test("a merged log of a fork of the store does not swallow the store's logs", async () => {
  const path = newStorePath();
  {
    using store = KvStore.openOn(fastDisk(), path, { generationBytes: 1 });
    store.set("a", "1");
    store.set("b", "2");
  }
  const fork = newStorePath();
  {
    await Bun.$`cp -r ${path} ${fork}`.quiet();
    const store = KvStore.openOn(fastDisk(), fork, { generationBytes: 1 });
    for (let index = 0; index < 5; index += 1) store.set("b", "forked");
    await store.compact();
    store.close();
  }
  {
    using store = KvStore.openOn(fastDisk(), path, { generationBytes: 1 });
    for (let index = 0; index < 9; index += 1) store.set("c", String(index));
  }
  const merged = readdirSync(fork).find((name) => /^1-\d+\.log$/.test(name)) ?? "";
  copyFileSync(join(fork, merged), join(path, merged));
  expect(codeOf(() => contentOf(path))).toBe("CORRUPT");
});
