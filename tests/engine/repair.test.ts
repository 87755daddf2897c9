import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BODY_AT, KEY_LENGTH_AT } from "../../src/format/binary-layout.ts";
import { KvStore, logRecords, type LogFormat, repairStore, verifyStore } from "../../src/index.ts";
import { codeOfAsync, contentOf, logsOf } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { seededRandom } from "../support/random.ts";
import { newStorePath } from "../support/temporary.ts";

const SEED = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Every value that a key ever had; undefined where it had none. */
type Past = Map<string, Set<string | undefined>>;

interface Written {
  readonly path: string;
  readonly past: Past;
}

/** A merged log, sealed ones with overwritten and removed keys, a batch, and a tail. */
async function writeStore(format: LogFormat): Promise<Written> {
  const path = newStorePath();
  const past: Past = new Map();
  // Nothing is made in the background on this disk, while the files are being damaged.
  using store = KvStore.openOn(fastDisk(), path, { format, generationBytes: 600, autoCompact: false });
  const note = (key: string, value: string | undefined): void => {
    past.set(key, (past.get(key) ?? new Set([undefined])).add(value));
  };
  const set = (key: string, value: string): void => {
    store.set(key, value);
    note(key, value);
  };
  for (let number = 0; number < 20; number += 1) set(`k${number}`, `first ${number}`);
  await store.compact();
  for (let number = 0; number < 20; number += 2) set(`k${number}`, `second ${number}`);
  for (let number = 0; number < 20; number += 5) {
    store.delete(`k${number}`);
    note(`k${number}`, undefined);
  }
  store.batch([{ set: ["batch a", "1"] }, { set: ["batch b", "2"] }, { remove: "k1" }]);
  note("batch a", "1");
  note("batch b", "2");
  note("k1", undefined);
  set("last", "tail");
  return { path, past };
}

async function repaired(
  path: string,
): Promise<{ to: string; result: Awaited<ReturnType<typeof repairStore>> }> {
  const before = readdirSync(path).map((name) => [name, readFileSync(join(path, name)).toString("hex")]);
  const to = newStorePath();
  const result = await repairStore(path, to);
  // The damaged store is evidence: nothing in it changes.
  expect(readdirSync(path).map((name) => [name, readFileSync(join(path, name)).toString("hex")])).toEqual(
    before,
  );
  expect((await verifyStore(to)).damage).toEqual([]);
  return { to, result };
}

/** What is there was written once; where nothing was lost that knows of it, it is the newest. */
function expectNoPhantoms(content: readonly (readonly [string, string])[], past: Past): void {
  for (const [key, value] of content) expect([key, past.get(key)?.has(value)]).toEqual([key, true]);
}

for (const format of ["binary", "json"] as const) {
  describe(`repair of a ${format} store`, () => {
    test("that is sound makes the same store, and says that nothing was lost", async () => {
      const { path } = await writeStore(format);
      const { to, result } = await repaired(path);
      expect(contentOf(to)).toEqual(contentOf(path));
      expect([result.lost, result.lostCount, result.tornTails]).toEqual([[], 0, []]);
      using store = KvStore.open(to);
      store.set("goes", "on");
      await store.compact();
      expect(store.get("goes")).toBe("on");
    });

    test("with a missing generation says so, and keeps the others", async () => {
      const { path, past } = await writeStore(format);
      const [, second = ""] = logsOf(path);
      rmSync(join(path, second));
      const { to, result } = await repaired(path);
      expect(result.lost.map(({ file, reason }) => [file, reason])).toEqual([
        [join(path, second), "it is missing"],
      ]);
      const content = contentOf(to);
      expectNoPhantoms(content, past);
      expect(content.length).toBeGreaterThan(15);
    });

    test("with a cut newest log keeps what is before the cut", async () => {
      const { path, past } = await writeStore(format);
      const newest =
        logsOf(path)
          .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
          .at(-1) ?? "";
      truncateSync(join(path, newest), readFileSync(join(path, newest)).length - 3);
      const { to, result } = await repaired(path);
      expect(result.lostCount).toBeGreaterThan(0);
      expectNoPhantoms(contentOf(to), past);
    });

    test("with a missing LOCK and without indexes loses nothing", async () => {
      const { path } = await writeStore(format);
      const content = contentOf(path);
      for (const name of readdirSync(path)) if (!name.endsWith(".log")) rmSync(join(path, name));
      const { to, result } = await repaired(path);
      expect(result.lostCount).toBe(0);
      expect(contentOf(to)).toEqual(content);
    });
  });
}

describe("repair of a damaged store", () => {
  test(`keeps all but the record that a flipped bit is in, and names its key (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    const { path, past } = await writeStore("binary");
    const content = new Map(contentOf(path));
    const records = [...logRecords(path)].flatMap((record) => ("command" in record ? [record] : []));
    for (let round = 0; round < 40; round += 1) {
      const record = records[random.below(records.length)];
      if (record === undefined) throw new Error("There are no records");
      const file = join(path, record.log);
      const bytes = readFileSync(file);
      const at = record.offset + random.below(record.bytes);
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
      writeFileSync(file, flipped);
      const { to, result } = await repaired(path);
      writeFileSync(file, bytes);
      expect(result.lostCount).toBe(1);
      const [loss] = result.lost;
      expect(loss?.file).toBe(file);
      expect(Number(loss?.offset)).toBeLessThanOrEqual(at);
      expect(Number(loss?.offset) + Number(loss?.bytes)).toBeGreaterThan(at);
      // Of a batch all is lost, else the one record.
      const command = JSON.parse(record.command) as Record<string, { key: string }>;
      const own = Object.values(command)[0]?.key ?? "";
      const affected = new Set(
        own.startsWith("batch") || own === "k1" ? ["batch a", "batch b", "k1"] : [own],
      );
      const after = new Map(contentOf(to));
      expectNoPhantoms([...after], past);
      for (const key of new Set([...content.keys(), ...after.keys()])) {
        if (!affected.has(key)) expect([key, after.get(key)]).toEqual([key, content.get(key)]);
      }
    }
  });

  test("keeps the records beside one that claims to end where another one does", async () => {
    // Records of 32 bytes: any flipped bit of a length from 32 on leads from one record's start to another's.
    const path = newStorePath();
    const keys = Array.from({ length: 20 }, (_, number) => `key ${number + 10}`);
    {
      using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
      for (const key of keys) store.set(key, "fourteen bytes");
      await store.compact();
    }
    const [first] = [...logRecords(path)];
    if (first === undefined || !("command" in first)) throw new Error("There are no records");
    expect(first.bytes).toBe(32);
    const file = join(path, first.log);
    const bytes = readFileSync(file);
    const lengths = [first.offset + KEY_LENGTH_AT, first.offset + BODY_AT] as const;
    for (let bit = lengths[0] * 8; bit < lengths[1] * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(file, flipped);
      const { to, result } = await repaired(path);
      expect([bit, contentOf(to).map(([key]) => key)]).toEqual([bit, keys.slice(1)]);
      expect(result.lost.map((loss) => [loss.offset, loss.bytes])).toEqual([[first.offset, 32]]);
      const { damage } = await verifyStore(path);
      expect(damage.map((found) => [found.offset, found.bytes])).toContainEqual([first.offset, 32]);
    }
  });

  test("whose log's header is damaged keeps the records of that log", async () => {
    const { path } = await writeStore("binary");
    const content = contentOf(path);
    for (const name of logsOf(path)) {
      const file = join(path, name);
      const bytes = readFileSync(file);
      const damaged = Buffer.from(bytes);
      damaged.fill(0, 0, 30);
      writeFileSync(file, damaged);
      const { to, result } = await repaired(path);
      writeFileSync(file, bytes);
      expect(result.lostCount).toBe(1);
      expect(contentOf(to)).toEqual(content);
    }
  });

  test("whose seal is damaged loses no record, and names no key", async () => {
    const { path } = await writeStore("binary");
    const content = contentOf(path);
    const [first = ""] = logsOf(path);
    const file = join(path, first);
    const bytes = readFileSync(file);
    bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 4;
    writeFileSync(file, bytes);
    const { to, result } = await repaired(path);
    expect(contentOf(to)).toEqual(content);
    expect(result.lost.map(({ keys }) => keys)).toEqual([[], []]);
  });

  test("keeps all or nothing of a batch", async () => {
    const { path } = await writeStore("binary");
    const batch = [...logRecords(path)].find(
      (record) => "command" in record && record.command.includes("batch b"),
    );
    if (batch === undefined) throw new Error("There is no batch");
    const file = join(path, batch.log);
    const bytes = readFileSync(file);
    bytes[batch.offset + batch.bytes - 1] = 0x58;
    writeFileSync(file, bytes);
    const { to, result } = await repaired(path);
    const after = new Map(contentOf(to));
    expect([after.get("batch a"), after.get("batch b"), after.get("k1")]).toEqual([
      undefined,
      undefined,
      "first 1",
    ]);
    expect(result.lost[0]?.keys).toEqual(expect.arrayContaining(["batch a", "batch b", "k1"]));
  });

  test("of which nothing is left, or which is not there, is refused and leaves nothing", async () => {
    const { path } = await writeStore("binary");
    const to = newStorePath();
    for (const name of logsOf(path)) {
      writeFileSync(join(path, name), Buffer.alloc(readFileSync(join(path, name)).length, 0x41));
    }
    expect(await codeOfAsync(async () => repairStore(path, to))).toBe("CORRUPT");
    expect(existsSync(to)).toBe(false);
    expect(await codeOfAsync(async () => repairStore(newStorePath(), to))).toBe("NO_STORE");
    const { path: sound } = await writeStore("binary");
    expect(await codeOfAsync(async () => repairStore(sound, sound))).toBe("IO");
  });
});

describe("the records of a log", () => {
  test.each(["binary", "json"] as const)(
    "are told with where they stand and what they are: %s",
    async (format) => {
      const { path } = await writeStore(format);
      const content = contentOf(path);
      const records = [...logRecords(path)].flatMap((record) => ("command" in record ? [record] : []));
      const live = records.flatMap(({ state, command }) => {
        if (state !== "live") return [];
        const { Set: set } = JSON.parse(command) as { Set: { key: string; value: string } };
        return [[set.key, set.value] as [string, string]];
      });
      expect(live.toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual(content);
      for (const { log, offset, bytes, command } of records) {
        const stored = readFileSync(join(path, log)).subarray(offset, offset + bytes);
        if (format === "json") expect(stored.toString()).toBe(`${command}\n`);
      }
      const first = [...logRecords(path, { generation: 1 })];
      expect(first.length).toBeGreaterThan(0);
      expect(new Set(first.map(({ log }) => log)).size).toBe(1);
      expect(() => [...logRecords(path, { generation: 1000 })]).toThrow("the newest one is");
    },
  );
});
