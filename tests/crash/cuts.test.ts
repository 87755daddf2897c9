import { describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KvStore, KvsError } from "../../src/index.ts";
import { changeHint, codeOf, contentOf, errorOf, OTHER_BOOT, readHint } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

type Entries = [string, string][];

/** A store of one log, and what it holds after each of its frames. */
interface Written {
  readonly path: string;
  readonly log: string;
  readonly bytes: Buffer;
  /** Size of the log, and the store's content, after each frame; the first is the empty store. */
  readonly states: readonly { readonly size: number; readonly entries: Entries }[];
}

async function writeStore(format: "binary" | "json" = "binary"): Promise<Written> {
  const path = newStorePath();
  const log = join(path, "1.log");
  const store = KvStore.openOn(fastDisk(), path, { format });
  const states: { size: number; entries: Entries }[] = [];
  const note = async (): Promise<void> => {
    await endTick();
    states.push({ size: statSync(log).size, entries: [...store.entries()] });
  };
  await note();
  const steps: readonly (() => unknown)[] = [
    () => store.set("a", "1"),
    () => store.set("b", "later overwritten"),
    () => store.batch([{ set: ["c", "1"] }, { set: ["d", "ü€"] }, { remove: "a" }]),
    () => store.set("b", "2"),
    () => store.increment("n"),
    () => store.delete("c"),
    () => store.set("empty", ""),
    () => store.batch([{ remove: "d" }, { set: ["e", "x".repeat(40)] }]),
    () => store.set("t", "with expiry", { ttlMs: 1_000_000_000 }),
  ];
  for (const step of steps) {
    step();
    await note();
  }
  store.close();
  return { path, log, bytes: readFileSync(log), states };
}

/** What a log cut at this size holds. */
function prefixAt({ states }: Written, size: number): Entries {
  return states.findLast((state) => state.size <= size)?.entries ?? [];
}

function headerBytes({ states }: Written): number {
  return states[0]?.size ?? 0;
}

function putLog(written: Written, size: number): void {
  writeFileSync(written.log, written.bytes.subarray(0, size));
}

/** Every read and every write must be CORRUPT, name the file, and change nothing. */
function expectCorrupt(path: string, log: string): void {
  const before = readFileSync(log);
  const works: readonly ((store: KvStore) => unknown)[] = [
    (store) => store.get("a"),
    (store) => store.get("b"),
    (store) => store.has("no such key"),
    (store) => [...store.keys()],
    (store) => store.count(),
    (store) => store.stats(),
    (store) => store.set("x", "1"),
    (store) => store.increment("n"),
    (store) => store.delete("no such key"),
  ];
  for (const work of works) {
    const error = errorOf(() => {
      using store = KvStore.openOn(fastDisk(), path);
      work(store);
    });
    expect(error.code).toBe("CORRUPT");
    expect(error.file).toBe(log);
    expect(error.offset).toBeNumber();
    expect(error.message).toContain(log);
  }
  expect(readFileSync(log).equals(before)).toBe(true);
}

describe("an active log cut at any byte", () => {
  test("holds a prefix of what was written, if LOCK is gone (invariants 1, 3, 4)", async () => {
    const written = await writeStore();
    for (let size = 0; size <= written.bytes.length; size += 1) {
      rmSync(join(written.path, "LOCK"), { force: true });
      putLog(written, size);
      if (size < headerBytes(written)) {
        expect(codeOf(() => contentOf(written.path))).toBe("CORRUPT");
        expect(codeOf(() => KvStore.openOn(fastDisk(), written.path).set("x", "1"))).toBe("CORRUPT");
        continue;
      }
      const prefix = prefixAt(written, size);
      expect(contentOf(written.path)).toEqual(prefix);
      {
        using store = KvStore.openOn(fastDisk(), written.path);
        expect([...store.entries()]).toEqual(prefix);
        store.set("z", "9");
      }
      expect(contentOf(written.path)).toEqual([...prefix, ["z", "9"]]);
    }
  });

  test("of JSON does as well", async () => {
    const written = await writeStore("json");
    for (let size = headerBytes(written); size <= written.bytes.length; size += 1) {
      rmSync(join(written.path, "LOCK"), { force: true });
      putLog(written, size);
      expect(contentOf(written.path)).toEqual(prefixAt(written, size));
      {
        using store = KvStore.openOn(fastDisk(), written.path);
        store.set("z", "9");
      }
      expect(contentOf(written.path)).toEqual([...prefixAt(written, size), ["z", "9"]]);
    }
  });

  test("after another boot holds a prefix that is no shorter than what was synced (invariants 2, 4, 8)", async () => {
    const written = await writeStore();
    const hint = readHint(written.path);
    for (const state of [written.states[0], written.states[4], written.states.at(-1)]) {
      const syncedBytes = state?.size ?? 0;
      for (let size = headerBytes(written); size <= written.bytes.length; size += 1) {
        putLog(written, size);
        changeHint(written.path, { ...hint, bootId: OTHER_BOOT, syncedBytes });
        if (size < syncedBytes) {
          expect(codeOf(() => contentOf(written.path))).toBe("CORRUPT");
          if (size % 7 === 0) expectCorrupt(written.path, written.log);
          continue;
        }
        expect(contentOf(written.path)).toEqual(prefixAt(written, size));
        const store = KvStore.openOn(fastDisk(), written.path);
        store.set("z", "9");
        store.close();
        expect(contentOf(written.path)).toEqual([...prefixAt(written, size), ["z", "9"]]);
      }
    }
  });

  test("in the boot in which it was written is corrupt for every read and write (invariant 8)", async () => {
    const written = await writeStore();
    changeHint(written.path, { syncedBytes: headerBytes(written) });
    for (let size = headerBytes(written); size < written.bytes.length; size += 1) {
      putLog(written, size);
      expectCorrupt(written.path, written.log);
    }
    putLog(written, written.bytes.length);
    expect(contentOf(written.path)).toEqual(prefixAt(written, written.bytes.length));
  });

  test("under a handle that has it open is never answered wrongly (invariant 8)", async () => {
    const written = await writeStore();
    const whole = new Map(prefixAt(written, written.bytes.length));
    for (let size = 0; size < written.bytes.length; size += 5) {
      putLog(written, written.bytes.length);
      using store = KvStore.openOn(fastDisk(), written.path);
      expect(store.get("b")).toBe("2");
      truncateSync(written.log, size);
      for (const [key, value] of whole) {
        const found = outcome(() => store.get(key));
        expect(found === value || found === "CORRUPT").toBe(true);
      }
    }
  });
});

function outcome(read: () => string | undefined): string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof KvsError) return error.code;
    throw error;
  }
}

describe("a sealed log cut at any byte, record boundaries among them", () => {
  for (const shape of ["two logs", "a merged log and two others"] as const) {
    test(`never gives an older value nor "not found": ${shape} (invariants 5, 8)`, async () => {
      const path = newStorePath();
      const store = KvStore.openOn(fastDisk(), path);
      const rotate = async (): Promise<void> => {
        await endTick();
        using rotating = KvStore.openOn(fastDisk(), path, { generationBytes: 1 });
        rotating.set("last of its log", "1");
      };
      for (const key of ["a", "b", "c", "removed"]) store.set(key, "old");
      if (shape !== "two logs") {
        store.set("a", "older");
        await store.compact();
        store.set("b", "middle");
        store.set("removed", "middle");
        await rotate();
      }
      store.set("a", "new");
      store.set("b", "new");
      store.delete("removed");
      await rotate();
      store.set("b", "newest");
      store.close();
      const wanted = contentOf(path);
      const logs = [...new Set(statsNames(path))].slice(0, -1);
      expect(logs.length).toBeGreaterThan(0);
      for (const name of logs) {
        const log = join(path, name);
        const backup = `${path}.backup`;
        copyFileSync(log, backup);
        for (let size = statSync(log).size - 1; size >= 0; size -= 1) {
          truncateSync(log, size);
          checkReads(path, wanted, log);
        }
        copyFileSync(backup, log);
        rmSync(backup);
      }
      expect(contentOf(path)).toEqual(wanted);
    });
  }
});

function statsNames(path: string): string[] {
  using store = KvStore.openOn(fastDisk(), path, { readOnly: true });
  return store.stats().generations.map(({ name }) => name);
}

function checkReads(path: string, wanted: Entries, log: string): void {
  const keys = [...wanted.map(([key]) => key), "removed", "no such key"];
  const values = new Map<string, string>(wanted);
  let damaged = 0;
  try {
    using store = KvStore.openOn(fastDisk(), path, { readOnly: true });
    for (const key of keys) {
      try {
        expect(store.get(key)).toBe(values.get(key));
        expect(values.has(key) || key === "removed").toBe(true);
      } catch (error) {
        if (!(error instanceof KvsError)) throw error;
        expect([error.code, error.file]).toEqual(["CORRUPT", log]);
        damaged += 1;
      }
    }
    expect(codeOf(() => [...store.entries()])).toBe("CORRUPT");
    expect(codeOf(() => store.count())).toBe("CORRUPT");
    expect(codeOf(() => store.stats())).toBe("CORRUPT");
  } catch (error) {
    if (!(error instanceof KvsError)) throw error;
    expect([error.code, error.file]).toEqual(["CORRUPT", log]);
    damaged += 1;
  }
  expect(damaged).toBeGreaterThan(0);
}
