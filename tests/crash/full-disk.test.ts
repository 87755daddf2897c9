import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { KvsError, KvStore } from "../../src/index.ts";
import { fullDisk } from "../reliability/full-disk.ts";
import { fullTmpfs } from "../reliability/full-tmpfs.ts";
import { expectSound } from "../reliability/quick.ts";
import { contentOf } from "../support/damage.ts";
import { endOf, startJob } from "../support/processes.ts";
import { newStorePath, temporaryDirectory } from "../support/temporary.ts";
import { canMount, mountTmpfs, type Tmpfs } from "../support/tmpfs.ts";

const MINUTES_MS = 5 * 60_000;

const mounted: Tmpfs[] = [];

afterEach(() => {
  for (const disk of mounted.splice(0)) disk.unmount();
});

/** What `look` finds within two seconds. */
async function eventually<T>(look: () => T | undefined): Promise<T | undefined> {
  let found = look();
  for (let left = 200; left > 0 && found === undefined; left -= 1) {
    await Bun.sleep(10);
    found = look();
  }
  return found;
}

function unlessFull<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof KvsError && error.code === "IO") return undefined;
    throw error;
  }
}

function smallDisk(sizeKb: number): Tmpfs {
  const disk = mountTmpfs(temporaryDirectory(), sizeKb);
  if (disk === undefined) throw new Error("Cannot mount a tmpfs");
  mounted.push(disk);
  return disk;
}

const isMounting: boolean = await canMount();

const hasPrlimit: boolean = Bun.which("prlimit") !== null;

/** Acknowledged writes are there, the first refused one is not; returns the number of acknowledged ones. */
function expectAcknowledged(path: string, lines: readonly string[]): number {
  const done = lines.filter((line) => line.startsWith("done")).length;
  const found = new Map(contentOf(path));
  for (let round = 0; round < done; round += 1) expect(found.has(`k${round}`)).toBe(true);
  // The one that failed may be there or not: it was cut off midway.
  expect(found.size).toBeGreaterThanOrEqual(done);
  expect(found.size).toBeLessThanOrEqual(done + 1);
  return done;
}

describe("a file-size limit (invariants 1, 2)", () => {
  test.skipIf(!hasPrlimit)("met at any byte loses nothing and is an error (needs prlimit)", async () => {
    const limits = Array.from({ length: 24 }, (_, index) => 180 + index * 37 + (index % 5));
    for (const durability of ["os", "sync"] as const) {
      const jobs = limits.map(async (limit) => {
        const path = newStorePath();
        const child = startJob(["fill", path], { durability }, ["prlimit", `--fsize=${limit}`]);
        const { lines, stderr } = await endOf(child);
        return { path, limit, lines, stderr };
      });
      for (const { path, limit, lines, stderr } of await Promise.all(jobs)) {
        expect([limit, stderr]).toEqual([limit, ""]);
        expect(lines.at(-1)).toMatch(/^failed \d+ IO$/);
        const done = expectAcknowledged(path, lines);
        expect(statSync(join(path, "1.log")).size).toBeLessThanOrEqual(limit);
        using store = KvStore.open(path);
        store.set("after", "1");
        expect(store.get("after")).toBe("1");
        store.remove("after");
        expect(store.count()).toBeGreaterThanOrEqual(done);
      }
    }
  });
});

describe("a disk that fills up (invariants 1 to 4)", () => {
  test.skipIf(!hasPrlimit)(
    "at any byte loses nothing acknowledged; removing and compacting work, or say why not (needs prlimit)",
    () => expectSound(fullDisk, 40, { processes: 1 }),
    MINUTES_MS,
  );

  test.skipIf(!isMounting)(
    "page by page loses nothing acknowledged either (needs root and tmpfs)",
    () => expectSound(fullTmpfs, 15, { processes: 1 }),
    MINUTES_MS,
  );
});

describe("a full disk (invariants 1, 2)", () => {
  test.skipIf(!isMounting)("loses nothing, and removing works (needs root and tmpfs)", async () => {
    for (const sizeKb of [16, 20, 32, 64, 128, 200]) {
      const disk = smallDisk(sizeKb);
      const path = join(disk.path, "store");
      const store = KvStore.open(path, { generationBytes: 16_384 });
      const value = "v".repeat(300);
      let done = 0;
      const write = async (): Promise<void> => {
        for (;;) {
          store.set(`k${done}`, value);
          await store.flush();
          done += 1;
        }
      };
      expect(await write().catch((error: unknown) => (error as { code: string }).code)).toBe("IO");
      expect(done).toBeGreaterThan(5);
      try {
        store.close();
      } catch {
        // A handle that was poisoned says so again.
      }
      const found = new Map(contentOf(path));
      for (let round = 0; round < done; round += 1) expect(found.get(`k${round}`)).toBe(value);
      expect([done, done + 1]).toContain(found.size);

      // Another file goes; a store goes on where it stopped.
      disk.resize(sizeKb * 4);
      using again = KvStore.open(path);
      expect(again.deletePrefix("k")).toBe(found.size);
      await again.compact();
      expect(again.count()).toBe(0);
      expect(readdirSync(path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
      again.set("a", value);
      expect(again.get("a")).toBe(value);
    }
  });

  test.skipIf(!isMounting)(
    "while a compaction runs leaves the store as it was (needs root and tmpfs)",
    async () => {
      const path = join(smallDisk(100).path, "store");
      using store = KvStore.open(path);
      for (let round = 0; round < 130; round += 1) store.set(`k${round % 110}`, "v".repeat(500));
      await store.flush();
      const before = contentOf(path);
      const code = await store.compact().then(
        () => "none",
        (error: unknown) => (error as { code: string }).code,
      );
      expect(code).toBe("IO");
      expect(contentOf(path)).toEqual(before);
      // The index that the compaction had called off is tried again, now and then: nothing of it stays.
      const unfinished = (): string[] => readdirSync(path).filter((name) => name.endsWith(".tmp"));
      expect(await eventually(() => (unfinished().length === 0 ? "none" : undefined))).toBe("none");
      expect(await eventually(() => unlessFull(() => store.deletePrefix("k1")))).toBe(21);
      expect(contentOf(path).length).toBe(before.length - 21);
    },
  );
});
