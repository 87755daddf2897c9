import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { KvStore, type LogFormat } from "../../src/index.ts";
import { codeOf } from "../support/damage.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

/** In bytewise order; UTF-16 would put the last but one behind the last. */
const KEYS = [
  "",
  "\u0000",
  "A",
  "a",
  "a/",
  "a/1",
  "a/2",
  "b",
  "ä",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "\u{10000}",
  "\u{10ffff}",
];

/** More than a scan looks ahead to. */
const FURTHER_KEYS = Array.from({ length: 60 }, (_, number) => `further ${number}`);

/** Steps of a scan between two moments at which the store changes. */
const STEPS_AT_ONCE = 4;

async function fill(format: LogFormat, generationBytes: number): Promise<KvStore> {
  const store = KvStore.open(newStorePath(), { format, generationBytes });
  for (const key of KEYS.toReversed()) store.set(key, `v${key}`);
  store.set("removed", "1");
  store.delete("removed");
  await endTick();
  return store;
}

for (const [format, generationBytes] of [
  ["binary", 64 * 1024 * 1024],
  ["binary", 1],
  ["json", 1],
] as readonly (readonly [LogFormat, number])[]) {
  describe(`scans of a ${format} store with generations of ${generationBytes} bytes`, () => {
    test("visit keys in bytewise order, both ways", async () => {
      using store = await fill(format, generationBytes);
      expect([...store.keys()]).toEqual(KEYS);
      expect([...store.keys({ reverse: true })]).toEqual(KEYS.toReversed());
      expect([...store.values()]).toEqual(KEYS.map((key) => `v${key}`));
      expect([...store.entries()]).toEqual(KEYS.map((key) => [key, `v${key}`]));
      const bytes = KEYS.map((key) => new Uint8Array(Buffer.from(key)));
      expect([...store.keys({ encoding: "bytes" })]).toEqual(bytes);
      expect(store.count()).toBe(KEYS.length);
    });

    test("keep to prefix, from, to and limit, in every combination", async () => {
      using store = await fill(format, generationBytes);
      const bounds = [undefined, "", "a", "a/1", "b", "\ud7ff", "\u{10000}", "zzz"];
      for (const prefix of [undefined, "", "a", "a/", "\u{10000}", "none", Buffer.of(0xf0)]) {
        for (const from of bounds) {
          for (const to of bounds) {
            const wanted = KEYS.filter((key) => {
              const start = prefix === undefined ? Buffer.alloc(0) : Buffer.from(prefix as string);
              if (!Buffer.from(key).subarray(0, start.length).equals(start)) return false;
              if (from !== undefined && Buffer.compare(Buffer.from(key), Buffer.from(from)) < 0) return false;
              return to === undefined || Buffer.compare(Buffer.from(key), Buffer.from(to)) < 0;
            });
            const range = {
              ...(prefix === undefined ? {} : { prefix }),
              ...(from === undefined ? {} : { from }),
              ...(to === undefined ? {} : { to }),
            };
            expect([...store.keys(range)]).toEqual(wanted);
            expect(store.count(range)).toBe(wanted.length);
            expect([...store.keys({ ...range, reverse: true, limit: 2 })]).toEqual(
              wanted.toReversed().slice(0, 2),
            );
            expect([...store.keys({ ...range, limit: 3 })]).toEqual(wanted.slice(0, 3));
          }
        }
      }
      expect([...store.keys({ limit: 0 })]).toEqual([]);
    });

    test("see the store as it was when they began, whatever happens meanwhile", async () => {
      using store = await fill(format, generationBytes);
      for (const key of FURTHER_KEYS) store.set(key, `v${key}`);
      await endTick();
      using other = KvStore.open(store.directory, { generationBytes: 1 });
      const scans = [store.entries(), other.entries(), store.entries({ reverse: true })];
      const seen = scans.map((scan) => [scan.next().value as [string, string]]);
      let step = 0;
      for (;;) {
        step += 1;
        store.set(`new ${step}`, "1");
        store.set("a/1", "changed");
        other.delete("b");
        other.set("b", "changed");
        store.delete("\uffff");
        if (step % 4 === 0) await store.compact();
        if (step % 5 === 0) await other.compact({ format: step % 2 === 0 ? "json" : "binary" });
        await endTick();
        const left = scans.filter((scan, index) => {
          for (let steps = STEPS_AT_ONCE; steps > 0; steps -= 1) {
            const { done, value } = scan.next();
            if (done === true) return false;
            seen[index]?.push(value);
          }
          return true;
        });
        if (left.length === 0) break;
      }
      const wanted = [...KEYS, ...FURTHER_KEYS]
        .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .map((key): [string, string] => [key, `v${key}`]);
      expect(seen).toEqual([wanted, wanted, wanted.toReversed()]);
      expect(store.get("a/1")).toBe("changed");
      expect(store.has("\uffff")).toBe(false);
    });

    test("include what was set in the same tick", async () => {
      using store = await fill(format, generationBytes);
      store.set("a/3", "now");
      expect([...store.keys({ prefix: "a/" })]).toEqual(["a/", "a/1", "a/2", "a/3"]);
      expect(store.get("a/3")).toBe("now");
    });
  });
}

describe("a scan", () => {
  test("may be left early, and works with the methods of iterators", async () => {
    using store = KvStore.open(newStorePath());
    for (const key of ["a", "b", "c"]) store.set(key, key);
    for (const key of store.keys()) if (key === "b") break;
    expect(store.keys().take(1).toArray()).toEqual(["a"]);
    expect(
      store
        .values()
        .map((value) => value + value)
        .toArray(),
    ).toEqual(["aa", "bb", "cc"]);
  });

  test("stays at its end", () => {
    using store = KvStore.open(newStorePath());
    store.set("a", "1");
    const keys = store.keys();
    expect([...keys]).toEqual(["a"]);
    expect(keys.next()).toEqual({ done: true, value: undefined });
  });

  test("refuses bad limits and bounds", () => {
    using store = KvStore.open(newStorePath());
    for (const limit of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(codeOf(() => [...store.keys({ limit })])).toBe("INVALID_ARGUMENT");
    }
    for (const options of [
      { prefix: "\ud800" },
      { from: "\udc00" },
      { to: "\ud800" },
      { prefix: "x".repeat(65_536) },
    ]) {
      expect(codeOf(() => [...store.entries(options)])).toBe("INVALID_ARGUMENT");
      expect(codeOf(() => store.count(options))).toBe("INVALID_ARGUMENT");
    }
  });

  test("reads keys that are not text only as bytes", () => {
    using store = KvStore.open(newStorePath());
    store.set(Buffer.of(0xff), "v");
    expect(codeOf(() => [...store.keys()])).toBe("NOT_UTF8");
    expect(codeOf(() => [...store.entries()])).toBe("NOT_UTF8");
    expect([...store.values()]).toEqual(["v"]);
    expect([...store.entries({ encoding: "bytes" })]).toEqual([
      [Uint8Array.of(0xff), new Uint8Array(Buffer.from("v"))],
    ]);
  });
});

test("keys that stand in many logs, some of them in all, come once and with their newest values", async () => {
  // Each round writes a part of the keys anew, and removes others; some hundreds of records make a log.
  using store = KvStore.open(newStorePath(), { generationBytes: 16 * 1024, autoCompact: false });
  const expected = new Map<string, string>();
  for (let round = 1; round <= 12; round += 1) {
    for (let key = 0; key < 1000; key += 1) {
      const name = `key ${String(key).padStart(4, "0")}`;
      if (key % round === 0) store.set(name, `${round} of ${key}`);
      if (key % round === 0) expected.set(name, `${round} of ${key}`);
      if (key % (round * 7) === 3) store.delete(name);
      if (key % (round * 7) === 3) expected.delete(name);
    }
    await endTick();
  }
  const sorted = [...expected].toSorted(([one], [other]) => (one < other ? -1 : 1));
  expect(store.stats().generations.length).toBeGreaterThan(5);
  expect([...store.entries()]).toEqual(sorted);
  expect([...store.entries({ reverse: true })]).toEqual(sorted.toReversed());
  expect([...store.values()]).toEqual(sorted.map(([, value]) => value));
  expect(store.count()).toBe(sorted.length);
});

test("a damaged record is met when its turn comes, however many are verified together", async () => {
  const directory = newStorePath();
  const keys = Array.from({ length: 1000 }, (_, key) => `key ${String(key).padStart(4, "0")}`);
  {
    await using store = KvStore.open(directory);
    for (const key of keys) store.set(key, `value of ${key}`);
    await store.compact();
  }
  const name = readdirSync(directory).find((file) => file.startsWith("1-") && file.endsWith(".log"));
  const bytes = readFileSync(`${directory}/${name}`);
  const value = bytes.indexOf("value of key 0700");
  bytes.writeUInt8(0x20, value + 3);
  writeFileSync(`${directory}/${name}`, bytes);
  using store = KvStore.open(directory, { readOnly: true });
  const seen: string[] = [];
  const scan = (): void => {
    for (const key of store.keys()) seen.push(key);
  };
  expect(codeOf(scan)).toBe("CORRUPT");
  expect(seen).toEqual(keys.slice(0, 700));
  // The record starts with its header of twelve bytes, and the key of eight.
  expect(scan).toThrow(`a record fails its checksum at offset ${value - 20}`);
});
