import { describe, expect, test } from "bun:test";
import { copyFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { StagedImport } from "../../src/engine/staged-import.ts";
import { encodeKey } from "../../src/format/key.ts";
import type { Mutation } from "../../src/format/record.ts";
import { KvStore } from "../../src/index.ts";
import { contentOf, logsOf } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

function begin(store: KvStore): StagedImport {
  return store.withHandle((handle) => StagedImport.begin(handle, {}));
}

function put(key: string, value: string): Mutation {
  return { kind: "put", key: encodeKey(key), value, expiresAt: 0 };
}

/** Enough for a merge of several steps. */
function addMegabytes(staged: StagedImport): void {
  for (let number = 0; number < 300; number += 1) staged.add(put(`new ${number}`, "x".repeat(10_000)));
}

function openStore(path: string): KvStore {
  return KvStore.openOn(fastDisk(), path, { autoCompact: false });
}

describe("an import that is there whole or not at all", () => {
  test.each(["binary", "json"] as const)("may be the first of a %s store", async (format) => {
    const path = newStorePath();
    using store = KvStore.openOn(fastDisk(), path, { format });
    const staged = begin(store);
    staged.add(put("a", "1"));
    await staged.publish();
    expect([...store.entries()]).toEqual([["a", "1"]]);
    expect(contentOf(path)).toEqual([["a", "1"]]);
    expect(logsOf(path)).toEqual(["1-2.log", "3.log"]);
  });

  test("stands behind what was written before", async () => {
    const path = newStorePath();
    using store = openStore(path);
    store.batch([{ set: ["a", "old"] }, { set: ["b", "2"] }]);
    const staged = begin(store);
    staged.add(put("a", "1"));
    await staged.publish();
    expect(contentOf(path)).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]);
    expect(logsOf(path)).toEqual(["1.log", "2-3.log", "4.log"]);
  });

  test("is not undone by giving it up once it is there", async () => {
    // What is closed twice is an error on this disk.
    using store = KvStore.open(newStorePath(), { autoCompact: false });
    const staged = begin(store);
    staged.add(put("a", "1"));
    await staged.publish();
    staged.discard();
    expect(store.get("a")).toBe("1");
  });

  test("leaves nothing if it is given up while it is merged", async () => {
    const path = newStorePath();
    using store = openStore(path);
    store.set("a", "1");
    store.flushSync();
    const before = readdirSync(path);
    const staged = begin(store);
    addMegabytes(staged);
    let isGivenUp = false;
    await staged.publish(() => {
      // As somebody else does whose turn it is between two steps, which come after a few milliseconds.
      setImmediate(() => staged.discard());
      isGivenUp = true;
      Bun.sleepSync(10);
    });
    expect(isGivenUp).toBe(true);
    expect(readdirSync(path)).toEqual(before);
    expect([...store.entries()]).toEqual([["a", "1"]]);
  });

  test("is refused where another store has taken the place of the one that it was meant for", async () => {
    const path = newStorePath();
    using store = openStore(path);
    store.set("a", "1");
    store.flushSync();
    const other = newStorePath();
    {
      using another = openStore(other);
      another.set("other", "2");
    }
    const staged = begin(store);
    addMegabytes(staged);
    let isReplaced = false;
    const publishing = staged.publish(() => {
      if (isReplaced) return;
      isReplaced = true;
      for (const name of [...logsOf(path), "LOCK"]) rmSync(join(path, name));
      for (const name of [...logsOf(other), "LOCK"]) copyFileSync(join(other, name), join(path, name));
    });
    expect(await publishing.catch(String)).toContain("belongs to another store than before");
    expect(isReplaced).toBe(true);
    expect(contentOf(path)).toEqual([["other", "2"]]);
    expect(readdirSync(path).filter((name) => name.startsWith("import-"))).toEqual([]);
  });
});
