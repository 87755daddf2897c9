import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KvStore, KvsError } from "../../src/index.ts";
import { changeHint, contentOf, logsOf, OTHER_BOOT } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

/** A small store of a merged, a sealed and an active log. */
async function writeStore(): Promise<string> {
  const path = newStorePath();
  const store = KvStore.openOn(fastDisk(), path);
  store.set("a", "1");
  store.set("b", "old");
  store.set("gone", "x");
  await store.compact();
  store.set("b", "ü");
  store.delete("gone");
  await endTick();
  {
    using rotating = KvStore.openOn(fastDisk(), path, { generationBytes: 1 });
    rotating.set("c", "2", { ttlMs: 1_000_000_000 });
  }
  store.batch([{ set: ["d", "1"] }, { set: [Buffer.of(1), Buffer.of(2)] }, { remove: "a" }]);
  store.set("e", "last");
  store.close();
  return path;
}

const KEYS = ["a", "b", "gone", "c", "d", "\u0001", "e", "none"] as const;

/** What one read answers. */
function attempt(read: () => unknown): string {
  try {
    return JSON.stringify(read()) ?? "undefined";
  } catch (error) {
    if (!(error instanceof KvsError)) throw error;
    if (error.code === "CORRUPT" && error.file !== undefined) return "CORRUPT";
    return `${error.code}: ${error.message}`;
  }
}

/** What every kind of read answers; an error by its code. */
function answers(path: string): string[] {
  let store: KvStore;
  try {
    store = KvStore.openOn(fastDisk(), path, { readOnly: true });
  } catch (error) {
    if (error instanceof KvsError && error.code === "CORRUPT" && error.file !== undefined) return ["CORRUPT"];
    throw error;
  }
  try {
    return [
      ...KEYS.map((key) => attempt(() => store.get(key))),
      attempt(() => [...store.entries()]),
      attempt(() => store.count()),
      attempt(() => [...store.keys({ reverse: true })]),
    ];
  } finally {
    store.close();
  }
}

function removeIndexes(path: string): void {
  for (const name of readdirSync(path)) if (name.endsWith(".idx")) rmSync(join(path, name));
}

function hasIndex(path: string, log: string): boolean {
  return existsSync(join(path, log.replace(/log$/, "idx")));
}

function flipEveryBit(file: string, check: (bit: number) => void, step = 1): void {
  const bytes = readFileSync(file);
  for (let bit = 0; bit < bytes.length * 8; bit += step) {
    const changed = Buffer.from(bytes);
    changed[bit >>> 3] = (changed[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(file, changed);
    check(bit);
  }
  writeFileSync(file, bytes);
}

describe("a flipped bit (invariant 8)", () => {
  test.each(["with its index", "without one"])(
    "in any log gives the right answer or an error with file and offset, %s",
    async (which) => {
      const path = await writeStore();
      const indexed = which === "with its index";
      if (!indexed) removeIndexes(path);
      const right = answers(path);
      expect(right).not.toContain("CORRUPT");
      const wrong: string[] = [];
      for (const name of logsOf(path)) {
        flipEveryBit(join(path, name), (bit) => {
          const found = answers(path);
          const fine =
            found.length === 1
              ? found[0] === "CORRUPT"
              : found.every((one, at) => one === right[at] || one === "CORRUPT");
          // What no lookup comes to, such as a seal, is found by those who read the whole log.
          const noticed = found.includes("CORRUPT") || (indexed && hasIndex(path, name));
          if (!fine || !noticed) wrong.push(`${name} bit ${bit}: ${found.join(" ")}`);
        });
      }
      expect(wrong).toEqual([]);
      expect(answers(path)).toEqual(right);
    },
  );

  test("in what was synced before another boot does as well", async () => {
    const path = await writeStore();
    const right = answers(path);
    const newest = logsOf(path).at(-1) ?? "";
    changeHint(path, { bootId: OTHER_BOOT });
    const wrong: string[] = [];
    flipEveryBit(join(path, newest), (bit) => {
      const found = answers(path);
      if (!found.every((one, at) => one === right[at] || one === "CORRUPT") || !found.includes("CORRUPT"))
        wrong.push(`${newest} bit ${bit}: ${found.join(" ")}`);
    });
    expect(wrong).toEqual([]);
  });

  test("in an index changes no answer", async () => {
    const path = await writeStore();
    const right = answers(path);
    const wrong: string[] = [];
    const indexes = readdirSync(path).filter((name) => name.endsWith(".idx"));
    expect(indexes).toEqual(["1-2.idx", "3.idx"]);
    for (const name of indexes) {
      flipEveryBit(
        join(path, name),
        (bit) => {
          if (JSON.stringify(answers(path)) !== JSON.stringify(right)) wrong.push(`${name} bit ${bit}`);
        },
        37,
      );
    }
    expect(wrong).toEqual([]);
  });

  test("in LOCK gives no wrong answer, and the next write works", async () => {
    const path = await writeStore();
    const right = answers(path);
    const wrong: string[] = [];
    flipEveryBit(join(path, "LOCK"), (bit) => {
      const found = answers(path);
      if (JSON.stringify(found) !== JSON.stringify(right)) wrong.push(`LOCK bit ${bit}: ${found.join(" ")}`);
      using store = KvStore.openOn(fastDisk(), path);
      store.set("e", "last");
    });
    expect(wrong).toEqual([]);
    expect(answers(path)).toEqual(right);
    expect(contentOf(path).length).toBe(5);
  });
});
