import { describe, expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { KvStore, type LogFormat } from "../../src/index.ts";
import { codeOf, contentOf, errorOf, logsOf, snapshotOf } from "../support/damage.ts";
import { HookedDisk } from "../support/hooked-disk.ts";
import { endOf, startJob } from "../support/processes.ts";
import { copyOriginal, ORIGINAL_ENTRIES } from "../support/rust-original.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath, temporaryDirectory } from "../support/temporary.ts";

const ORIGINAL_LOGS = ["4.log", "5.log", "7.log"];
const WITH_X = [...ORIGINAL_ENTRIES, ["x", "1"] as const].toSorted(([a], [b]) => (a < b ? -1 : 1));

/** A directory of these logs and nothing else. */
function directoryOf(logs: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = temporaryDirectory();
  for (const [name, bytes] of Object.entries(logs)) writeFileSync(join(directory, name), bytes);
  return directory;
}

/** Lists a directory without one of its names, the first time. */
class ForgetfulDisk extends HookedDisk {
  #hidden: string | undefined;

  constructor(hidden: string) {
    super();
    this.#hidden = hidden;
  }

  override list(directory: string): string[] | undefined {
    const hidden = this.#hidden;
    this.#hidden = undefined;
    return super.list(directory)?.filter((name) => name !== hidden);
  }
}

function setOf(key: string, value: string): string {
  return JSON.stringify({ Set: { key, value } });
}

/** The original's directory with a first write of ours. */
function written(options: { readonly generationBytes?: number } = {}): string {
  const directory = copyOriginal();
  using store = KvStore.open(directory, { autoCompact: false, ...options });
  store.set("x", "1");
  return directory;
}

describe("a directory of the original", () => {
  test("is read as it is, and reading changes nothing", () => {
    const directory = copyOriginal();
    const before = snapshotOf(directory);
    {
      using store = KvStore.open(directory, { readOnly: true });
      expect([...store.entries()]).toEqual(ORIGINAL_ENTRIES as [string, string][]);
      expect(store.get("key2")).toBe("newer");
      expect(store.getBytes("ключ 😀")).toEqual(new Uint8Array(Buffer.from("値\u2028")));
      expect([store.has("key1"), store.has("empty"), store.has("torn")]).toEqual([false, false, false]);
      expect(store.ttl("key3")).toBeNull();
      expect(store.count()).toBe(6);
      expect(store.get("key3")).toBe("value3");
      const { format, generations, keys } = store.stats();
      expect([format, keys, ...generations.map(({ name }) => name)]).toEqual(["json", 6, ...ORIGINAL_LOGS]);
      expect(generations.map(({ records }) => records)).toEqual([7, 4, 0]);
    }
    expect(snapshotOf(directory)).toEqual(before);
  });

  test("is opened to write, and not changed before there is something to write", () => {
    const directory = copyOriginal();
    const before = snapshotOf(directory);
    {
      using store = KvStore.open(directory);
      expect(store.get("key3")).toBe("value3");
    }
    KvStore.maintain(directory);
    expect(snapshotOf(directory, { except: "COMPACT" })).toEqual(before);
  });

  test("holds what stands before the torn end of any of its logs, wherever that is", () => {
    const first = [setOf("a", "1"), setOf("b", "2€"), JSON.stringify({ Remove: { key: "a" } })];
    const second = [setOf("b", '\\"}{'), setOf("c", "3")];
    for (const torn of ["2.log", "3.log"] as const) {
      const bytes = Buffer.from((torn === "2.log" ? first : second).join(""));
      for (let size = 0; size <= bytes.length; size += 1) {
        const logs = { "2.log": first.join(""), "3.log": second.join(""), "9.log": "" };
        const directory = directoryOf({ ...logs, [torn]: bytes.subarray(0, size) });
        const commands =
          torn === "2.log" ? [...whole(first, size), ...second] : [...first, ...whole(second, size)];
        expect([torn, size, contentOf(directory)]).toEqual([torn, size, stateAfter(commands)]);
        rmSync(directory, { recursive: true });
      }
    }
  });

  test("may end in zeros, as a power cut leaves them, and have lines", () => {
    const directory = directoryOf({
      "3.log": `${setOf("a", "1")}\n{ "Set" : {"key": "b",\r\n "value": "2"} }\n\n${"\0".repeat(5000)}`,
      "4.log": `\n${setOf("c", "3")}{"Set":{"key":"d","va${"\0".repeat(70_000)}`,
    });
    expect(contentOf(directory)).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
    ]);
  });

  test("holds values that are longer than what is read at once", () => {
    const value = 'x\\"€'.repeat(300_000);
    const directory = directoryOf({
      "7.log": setOf("k", value) + setOf("l", "after"),
      "9.log": `${setOf("m", value)}{"Set":{"key":"k","value":"${"y".repeat(600_000)}`,
    });
    using store = KvStore.open(directory, { readOnly: true });
    expect([store.get("k") === value, store.get("l"), store.get("m") === value]).toEqual([
      true,
      "after",
      true,
    ]);
    expect(store.get("k") === value).toBe(true);
    expect(store.count()).toBe(3);
  });

  test.each([
    ["a bracket", '"}}', '"]}'],
    ["a name", '"Set"', '"Sat"'],
    ["a missing field", ',"value":"v2"', ""],
    ["a further field", '"v2"', '"v2","more":true'],
    ["a value that is a number", '"v2"', "12"],
    ["a line break in a string", "v2", "v\n"],
    ["a string without its end", 'v2"', "v2"],
    ["an escape that is none", "v2", "\\q"],
    ["a lone surrogate", "v2", "\\ud800"],
    ["zeros in the middle", "v2", "\0\0"],
    ["a byte that is not UTF-8", "v2", "\xff"],
    ["a key that is too long", "k2", "k".repeat(65_536)],
  ])("is damaged, not torn, where %s stands before its end", (_, from, to) => {
    const first = setOf("k1", "v1");
    const log = Buffer.from(first + setOf("k2", "v2").replace(from, to) + setOf("k3", "v3"), "latin1");
    for (const [newest, logs] of [
      [false, { "2.log": log, "4.log": setOf("k4", "v4") }],
      [true, { "1.log": setOf("k4", "v4"), "2.log": log }],
    ] as const) {
      const directory = directoryOf(logs);
      const before = snapshotOf(directory);
      const error = errorOf(() => contentOf(directory));
      expect(error).toMatchObject({ code: "CORRUPT", file: join(directory, "2.log"), offset: first.length });
      expect(codeOf(() => KvStore.openOn(new HookedDisk(), directory, { readOnly: true }).get("k1"))).toBe(
        "CORRUPT",
      );
      expect(snapshotOf(directory)).toEqual(before);
      if (newest) expect(codeOf(() => KvStore.open(directory).set("k", "v"))).toBe("CORRUPT");
    }
  });

  test("is not compacted where it is damaged", async () => {
    const directory = directoryOf({
      "2.log": `${setOf("a", "1")}]${setOf("b", "2")}`,
      "4.log": setOf("c", "3"),
    });
    using store = KvStore.open(directory);
    expect(await store.compact().catch((error: unknown) => error)).toMatchObject({ code: "CORRUPT" });
    expect(store.get("c")).toBe("3");
    expect(logsOf(directory)).toEqual(["2.log", "4.log", "5.log"]);
  });
});

/** The commands of a log that are whole in its first bytes. */
function whole(commands: readonly string[], size: number): readonly string[] {
  let end = 0;
  return commands.filter((command) => (end += Buffer.byteLength(command)) <= size);
}

function stateAfter(commands: readonly string[]): [string, string][] {
  const state = new Map<string, string>();
  for (const command of commands) {
    const { Set: set, Remove: remove } = JSON.parse(command) as {
      Set?: { key: string; value: string };
      Remove?: { key: string };
    };
    if (set !== undefined) state.set(set.key, set.value);
    if (remove !== undefined) state.delete(remove.key);
  }
  return [...state].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

describe("the first write to a directory of the original", () => {
  test("goes into a log of ours, in JSON, and leaves the others alone", () => {
    const directory = copyOriginal();
    const before = snapshotOf(directory);
    using store = KvStore.open(directory, { format: "binary" });
    store.set("x", "1");
    store.remove("key3");
    store.close();
    expect(readdirSync(directory).toSorted()).toEqual([...ORIGINAL_LOGS, "8.log", "LOCK"]);
    expect(snapshotOf(directory)).toMatchObject(before);
    const [header, ...commands] = readFileSync(join(directory, "8.log"), "utf8").split("\n");
    expect(header).toStartWith('{"Remove":{"key":"","kvs":{"version":1,"store":"6b7673727300000000000008');
    expect(commands).toEqual([setOf("x", "1"), '{"Remove":{"key":"key3"}}', ""]);
    expect(contentOf(directory)).toEqual(WITH_X.filter(([key]) => key !== "key3") as [string, string][]);
  });

  test("is seen by a handle that had read before", () => {
    const directory = copyOriginal();
    using reader = KvStore.open(directory, { readOnly: true });
    using other = KvStore.open(directory);
    expect([reader.get("x"), other.get("x")]).toEqual([undefined, undefined]);
    using writer = KvStore.open(directory, { durability: "sync" });
    writer.set("x", "1");
    writer.set("key2", "newest");
    expect([reader.get("x"), reader.get("key2"), reader.get("key3")]).toEqual(["1", "newest", "value3"]);
    expect([...other.keys()]).toEqual(WITH_X.map(([key]) => key));
  });

  test("leaves every key of the old logs to be found, however often it is looked for", () => {
    const directory = written();
    using store = KvStore.open(directory, { readOnly: true });
    for (let round = 0; round < 10; round += 1) {
      for (const [key, value] of WITH_X) expect([round, key, store.get(key)]).toEqual([round, key, value]);
      expect(store.get("key1")).toBeUndefined();
    }
  });

  test("is made by several processes at once, and none is lost", async () => {
    for (let round = 0; round < 3; round += 1) {
      const directory = copyOriginal();
      const jobs = [1, 2, 3].map(() => startJob(["count", directory, "40"], { durability: "os" }));
      const ends = await Promise.all(jobs.map((job) => endOf(job)));
      expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual([
        [0, ""],
        [0, ""],
        [0, ""],
      ]);
      using store = KvStore.open(directory);
      expect([store.get("counter"), store.count()]).toEqual(["120", 7]);
    }
  });

  test("needs no LOCK to be understood", async () => {
    const directory = written();
    rmSync(join(directory, "LOCK"));
    expect(contentOf(directory)).toEqual(WITH_X as [string, string][]);
    using store = KvStore.open(directory);
    store.set("y", "2");
    expect(store.count()).toBe(8);
    expect(logsOf(directory)).toEqual([...ORIGINAL_LOGS, "8.log"]);
    await store.compact();
    expect(store.count()).toBe(8);
  });

  test("may follow several rotations", () => {
    const directory = copyOriginal();
    {
      using store = KvStore.open(directory, { generationBytes: 1, autoCompact: false });
      for (let round = 0; round < 5; round += 1) store.set("x", `${round}`);
      store.set("x", "1");
    }
    expect(logsOf(directory)).toContain("13.log");
    expect(contentOf(directory)).toEqual(WITH_X as [string, string][]);
  });
});

describe("the first compaction of a directory of the original", () => {
  test.each(["json", "binary"] satisfies LogFormat[])(
    "makes it ours in every respect, in %s",
    async (format) => {
      const directory = copyOriginal();
      {
        using store = KvStore.open(directory);
        await store.compact({ format });
        expect(store.count()).toBe(6);
      }
      const [merged = "", ...others] = logsOf(directory).toSorted((a, b) => b.length - a.length);
      expect(merged).toMatch(/^1-\d+\.log$/);
      expect(others.length).toBe(1);
      for (const name of ["LOCK", merged.replace(".log", ".idx")]) rmSync(join(directory, name));
      expect(contentOf(directory)).toEqual(ORIGINAL_ENTRIES as [string, string][]);
      using store = KvStore.open(directory);
      expect(store.stats()).toMatchObject({ format, keys: 6, staleBytes: 0 });
      store.set("x", "1");
      await store.compact();
      expect([...store.entries()]).toEqual(WITH_X as [string, string][]);
      rmSync(join(directory, logsOf(directory).find((name) => !name.includes("-")) ?? ""));
      store.close();
      expect(codeOf(() => contentOf(directory))).toBe("CORRUPT");
    },
  );

  test("comes by itself, and merges everything at once", () => {
    const directory = copyOriginal();
    {
      using store = KvStore.openOn(new HookedDisk(), directory, { generationBytes: 100 });
      store.set("x", "0");
      store.set("x", "1");
    }
    expect(logsOf(directory)).toEqual(["1-9.log", "10.log"]);
    expect(contentOf(directory)).toEqual(WITH_X as [string, string][]);
  });

  test("comes by itself also where the old logs are far larger than what was written since", () => {
    const large = Array.from({ length: 2000 }, (_, index) => setOf(`k${index}`, "v".repeat(100))).join("");
    const directory = directoryOf({ "3.log": large, "6.log": setOf("k1", "newer") });
    {
      using store = KvStore.openOn(new HookedDisk(), directory, { generationBytes: 100 });
      store.set("k2", "newest");
    }
    expect(logsOf(directory)).toEqual(["1-7.log", "8.log"]);
    using store = KvStore.open(directory);
    expect([store.count(), store.get("k1"), store.get("k2")]).toEqual([2000, "newer", "newest"]);
  });

  test("is seen by readers that go on meanwhile", async () => {
    const directory = written();
    using reader = KvStore.open(directory, { readOnly: true });
    expect(reader.get("key3")).toBe("value3");
    using writer = KvStore.open(directory);
    const compaction = writer.compact();
    for (let round = 0; round < 20; round += 1) {
      expect(reader.count()).toBe(7);
      await endTick();
    }
    await compaction;
    expect([...reader.entries()]).toEqual(WITH_X as [string, string][]);
    expect(logsOf(directory)).toEqual(["1-8.log", "9.log"]);
  });

  test("cannot hide a log from a reader that lists the directory meanwhile", () => {
    for (const directory of [copyOriginal(), written()]) {
      const expected = contentOf(directory);
      for (const hidden of ["4.log", "5.log"]) {
        using store = KvStore.openOn(new ForgetfulDisk(hidden), directory, { readOnly: true });
        expect([...store.entries()]).toEqual(expected);
      }
    }
  });

  test.each([
    { "1.log": setOf("a", "1") },
    { "6.log": setOf("a", "1") },
    { "1.log": setOf("a", "1"), "2.log": "" },
  ])("takes %p", async (logs) => {
    const directory = directoryOf(logs);
    using store = KvStore.open(directory);
    await store.compact();
    expect([...store.entries()]).toEqual([["a", "1"]]);
    expect(logsOf(directory).filter((name) => !name.startsWith("1-")).length).toBe(1);
    expect(readdirSync(directory)).not.toContain(Object.keys(logs)[0]);
  });

  test("leaves nothing to repair where it was cut short among its removals", async () => {
    const directory = written();
    const kept = newStorePath();
    copyOriginal(kept);
    {
      using store = KvStore.open(directory, { autoCompact: false });
      await store.compact();
    }
    for (const name of ORIGINAL_LOGS) copyFileSync(join(kept, name), join(directory, name));
    // Other files with the same bytes are as good.
    utimesSync(join(directory, "5.log"), 1, 1);
    expect(contentOf(directory)).toEqual(WITH_X as [string, string][]);
    rmSync(join(directory, "4.log"));
    expect(contentOf(directory)).toEqual(WITH_X as [string, string][]);
    using store = KvStore.open(directory);
    await store.compact();
    expect([...store.entries()]).toEqual(WITH_X as [string, string][]);
    expect(readdirSync(directory)).not.toContain("5.log");
  });

  test("replaces only the logs it was made from", async () => {
    const directory = written();
    {
      using store = KvStore.open(directory);
      await store.compact();
    }
    writeFileSync(join(directory, "5.log"), setOf("key2", "other"));
    expect(errorOf(() => contentOf(directory)).message).toContain(
      'it was not made from the "5.log" that is there',
    );
  });

  test("is given up where the original appends to a log meanwhile", async () => {
    for (const name of ORIGINAL_LOGS) {
      const directory = copyOriginal();
      const disk = new HookedDisk(({ method, path }) => {
        if (method === "create" && path.endsWith(".idx.tmp"))
          appendFileSync(join(directory, name), setOf("late", "1"));
        return undefined;
      });
      using store = KvStore.openOn(disk, directory, { autoCompact: false });
      store.set("x", "1");
      expect((await store.compact()).generationsMerged).toBe(0);
      store.close();
      expect(logsOf(directory)).toEqual([...ORIGINAL_LOGS, "8.log", "9.log"]);
    }
  });
});

describe("a log without a header", () => {
  test("is damage in a store of ours", () => {
    for (const lost of ["1.log", "2.log", "3.log"]) {
      for (const bytes of ["", setOf("a", "1"), '{"Remove":{"ke']) {
        for (const withLock of [true, false]) {
          const directory = newStorePath();
          {
            using store = KvStore.open(directory, {
              format: "json",
              generationBytes: 200,
              autoCompact: false,
            });
            for (let round = 0; round < 6; round += 1) store.set(`k${round}`, "v".repeat(30));
          }
          expect(logsOf(directory)).toContain("3.log");
          if (!withLock) rmSync(join(directory, "LOCK"));
          writeFileSync(join(directory, lost), bytes);
          expect(errorOf(() => contentOf(directory))).toMatchObject({
            code: "CORRUPT",
            file: join(directory, lost),
            offset: 0,
          });
        }
      }
    }
  });

  test("is damage where LOCK knows of another", () => {
    const directory = newStorePath();
    {
      using store = KvStore.open(directory, { format: "json" });
      store.set("a", "1");
    }
    writeFileSync(join(directory, "1.log"), setOf("a", "1"));
    expect(errorOf(() => contentOf(directory)).message).toContain("it has no header at offset 0");
    expect(codeOf(() => KvStore.open(directory).set("b", "2"))).toBe("CORRUPT");
  });

  test("is damage among ours in a store that was the original's", () => {
    const directory = written({ generationBytes: 1 });
    expect(logsOf(directory)).toEqual([...ORIGINAL_LOGS, "8.log", "9.log"]);
    const ours = readFileSync(join(directory, "8.log"));
    for (const bytes of ["", setOf("x", "1")]) {
      writeFileSync(join(directory, "8.log"), bytes);
      expect(errorOf(() => contentOf(directory))).toMatchObject({
        code: "CORRUPT",
        file: join(directory, "8.log"),
      });
    }
    rmSync(join(directory, "8.log"));
    expect(errorOf(() => contentOf(directory)).message).toContain('"8.log" is missing before "9.log"');
    writeFileSync(join(directory, "8.log"), ours);
    expect(contentOf(directory)).toEqual(WITH_X as [string, string][]);
  });

  test("says nothing if no log holds a command: it may be what is left of one of ours", () => {
    for (const bytes of ["", "{", "\n", "\0\0\0", '{"Set":{"key":"a","value":"1"']) {
      const directory = directoryOf({ "1.log": bytes });
      expect([bytes, codeOf(() => contentOf(directory))]).toEqual([bytes, "CORRUPT"]);
    }
  });

  test("of several generations is damage", () => {
    const directory = directoryOf({ "1-3.log": setOf("a", "1") });
    expect(codeOf(() => contentOf(directory))).toBe("CORRUPT");
  });
});
