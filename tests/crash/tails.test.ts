import { describe, expect, test } from "bun:test";
import { appendFileSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { KvStore } from "../../src/index.ts";
import { changeHint, codeOf, contentOf, OTHER_BOOT } from "../support/damage.ts";
import { fastDisk, HookedDisk, systemError, type Verdict } from "../support/hooked-disk.ts";
import { seededRandom } from "../support/random.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const SEED: number = Number(process.env["KVS_SEED"] ?? 20_260_101);
console.log(`seed ${SEED}`);

function writeStore(): string {
  const path = newStorePath();
  using store = KvStore.openOn(fastDisk(), path);
  store.set("a", "1");
  store.set("b", "2");
  store.batch([{ set: ["c", "3"] }, { remove: "a" }]);
  return path;
}

const CONTENT: [string, string][] = [
  ["b", "2"],
  ["c", "3"],
];

/** What may stand behind the last frame after a crash or a mishap. */
function tails(): Map<string, Buffer> {
  const random = seededRandom(SEED);
  const own = readFileSync(join(writeStore(), "1.log"));
  const found = new Map<string, Buffer>();
  for (const length of [1, 3, 4, 7, 8, 9, 20, 40, 64, 100, 512, 4096, 300_000]) {
    found.set(`${length} zeros`, Buffer.alloc(length));
    found.set(`${length} bytes of ff`, Buffer.alloc(length, 0xff));
    found.set(`${length} bytes of noise`, Buffer.from(Uint8Array.from({ length }, () => random.below(256))));
  }
  found.set("another store's log", own);
  found.set("another store's frames", own.subarray(64));
  return found;
}

describe("what stands behind the last frame", () => {
  for (const kind of ["as it was left", "after another boot", "without LOCK"] as const) {
    test(`is no record, and the next writer cuts it off: ${kind} (invariants 3, 8)`, () => {
      for (const [name, tail] of [...tails(), ["its own frames", undefined] as const]) {
        const path = writeStore();
        const log = join(path, "1.log");
        const size = statSync(log).size;
        const bytes = tail ?? readFileSync(log).subarray(64);
        appendFileSync(log, bytes);
        if (kind === "after another boot") changeHint(path, { bootId: OTHER_BOOT });
        if (kind === "without LOCK") rmSync(join(path, "LOCK"));
        expect([name, contentOf(path)]).toEqual([name, CONTENT]);
        using store = KvStore.openOn(fastDisk(), path);
        expect(store.stats().tornTailBytes).toBe(bytes.length);
        expect(store.stats().tornTailsCut).toBe(0);
        expect(statSync(log).size).toBe(size + bytes.length);
        store.delete("no such key");
        expect(statSync(log).size).toBe(size);
        store.set("z", "9");
        expect(store.stats()).toMatchObject({ tornTailsCut: 1, tornTailBytes: 0 });
        expect(contentOf(path)).toEqual([...CONTENT, ["z", "9"]]);
      }
    });
  }

  test("is cut off under a handle that is open already, and counted each time", async () => {
    const path = writeStore();
    using store = KvStore.openOn(fastDisk(), path);
    for (let round = 1; round <= 3; round += 1) {
      appendFileSync(join(path, "1.log"), "torn");
      expect(store.get("b")).toBe("2");
      store.set("round", String(round));
      await endTick();
      expect(store.stats().tornTailsCut).toBe(round);
      expect(contentOf(path)).toEqual([...CONTENT, ["round", String(round)]]);
    }
  });

  test("is damage behind a seal, in a newest log and in others (invariant 8)", async () => {
    for (const successor of [false, true]) {
      const path = writeStore();
      let armed = !successor;
      const disk = new HookedDisk((call): Verdict => {
        if (!armed || call.method !== "create") return undefined;
        armed = false;
        return { error: systemError("ENOSPC", call.path) };
      });
      {
        const store = KvStore.openOn(disk, path, { generationBytes: 1 });
        store.set("z", "9");
        await endTick();
        store.close();
      }
      appendFileSync(join(path, "1.log"), "junk");
      for (let round = 0; round < 3; round += 1) {
        expect(codeOf(() => contentOf(path))).toBe("CORRUPT");
        expect(
          codeOf(() => {
            const store = KvStore.openOn(fastDisk(), path);
            store.get("b");
            store.set("x", "1");
          }),
        ).toBe("CORRUPT");
      }
    }
  });
});

describe("a LOCK that is gone (invariant 6)", () => {
  test("changes no answer and is made again by the next write", async () => {
    const path = writeStore();
    rmSync(join(path, "LOCK"));
    expect(contentOf(path)).toEqual(CONTENT);
    {
      using store = KvStore.openOn(fastDisk(), path);
      expect(store.get("b")).toBe("2");
      store.set("d", "4");
      await endTick();
    }
    expect(statSync(join(path, "LOCK")).size).toBeGreaterThan(0);
    expect(contentOf(path)).toEqual([...CONTENT, ["d", "4"]]);
  });

  test("and is garbage or empty instead does neither", () => {
    for (const garbage of ["", "x", "garbage".repeat(100)]) {
      const path = writeStore();
      rmSync(join(path, "LOCK"));
      appendFileSync(join(path, "LOCK"), garbage);
      expect(contentOf(path)).toEqual(CONTENT);
      using store = KvStore.openOn(fastDisk(), path);
      store.set("d", "4");
      store.close();
      expect(contentOf(path)).toEqual([...CONTENT, ["d", "4"]]);
    }
  });
});
