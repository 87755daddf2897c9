import { describe, expect, test } from "bun:test";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type IndexHeader, PAGE_BYTES, parseIndexHeader } from "../../src/format/index-file.ts";
import { KvStore, type LogFormat } from "../../src/index.ts";
import { codeOf, logsOf } from "../support/damage.ts";
import { fastDisk, HookedDisk, systemError, type Verdict } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const KEYS = 1500;
const keyOf = (number: number): string => `key ${String(number).padStart(6, "0")}`;

/** A store whose log 1 is sealed and indexed; `valueBytes` of each value. */
async function sealedStore(format: LogFormat = "binary", valueBytes = 10): Promise<string> {
  const path = newStorePath();
  const options = { format, generationBytes: 64 * 1024 * 1024, autoCompact: false };
  {
    using store = KvStore.openOn(fastDisk(), path, options);
    for (let number = 0; number < KEYS; number += 1) store.set(keyOf(number), `${number}`.padEnd(valueBytes));
    await endTick();
  }
  using store = KvStore.openOn(fastDisk(), path, { ...options, generationBytes: 1 });
  store.set("last", "1");
  await endTick();
  store.close();
  return path;
}

function headerOf(index: string): IndexHeader {
  const bytes = readFileSync(index);
  const header = parseIndexHeader(bytes.subarray(0, PAGE_BYTES), bytes.toString("hex", 16, 24));
  if (header === undefined) throw new Error(`"${index}" is no index`);
  return header;
}

/** Damages the last page of an index: the end of the order of its keys. */
function damageOrder(index: string): void {
  const bytes = readFileSync(index);
  const at = bytes.length - 100;
  bytes.writeUInt8((bytes[at] ?? 0) ^ 1, at);
  writeFileSync(index, bytes);
}

function allKeys(): string[] {
  return Array.from({ length: KEYS }, (_, number) => keyOf(number)).concat("last");
}

describe("a damaged index", () => {
  for (const mmap of [true, false]) {
    test(`is met by scans that are under way, one after the other, with mmap ${mmap}`, async () => {
      const path = await sealedStore();
      damageOrder(join(path, "1.idx"));
      using store = KvStore.openOn(fastDisk(), path, { readOnly: true, mmap });
      const scans = [store.keys(), store.keys(), store.keys({ reverse: true })];
      const seen = scans.map((scan) => [scan.next().value]);
      for (const [at, scan] of scans.entries()) seen[at]?.push(...scan);
      expect(seen).toEqual([allKeys(), allKeys(), allKeys().toReversed()]);
      expect(store.get(keyOf(7))?.trim()).toBe("7");
    });
  }

  test("is met by a handle that had the log in memory before it took the index over", async () => {
    const path = await sealedStore();
    rmSync(join(path, "1.idx"));
    using store = KvStore.openOn(fastDisk(), path, { readOnly: true });
    expect([...store.keys()]).toEqual(allKeys());
    KvStore.maintain(path, { autoCompact: false });
    damageOrder(join(path, "1.idx"));
    {
      // A rotation: who reads lists the directory anew.
      using other = KvStore.openOn(fastDisk(), path, { autoCompact: false, generationBytes: 1 });
      other.set("last", "2");
    }
    for (let number = 0; number < KEYS; number += 100)
      expect(store.get(keyOf(number))?.trim()).toBe(`${number}`);
    expect([...store.keys()]).toEqual(allKeys());
    for (let number = 0; number < KEYS; number += 100)
      expect(store.get(keyOf(number))?.trim()).toBe(`${number}`);
  });

  test("gives no answers where its log is damaged as well", async () => {
    const path = await sealedStore();
    damageOrder(join(path, "1.idx"));
    const log = readFileSync(join(path, "1.log"));
    log.write("KEY", log.indexOf(keyOf(1400)));
    writeFileSync(join(path, "1.log"), log);
    using store = KvStore.openOn(fastDisk(), path, { readOnly: true });
    const [one, other] = [store.keys({ limit: 500 }), store.keys({ limit: 500 })];
    expect(one.next().done).toBe(false);
    expect(other.next().done).toBe(false);
    for (let round = 0; round < 3; round += 1) {
      expect(codeOf(() => [...store.keys()])).toBe("CORRUPT");
      expect(codeOf(() => store.get("no such key"))).toBe("CORRUPT");
    }
    expect(codeOf(() => [...one])).toBe("CORRUPT");
    expect(codeOf(() => [...other])).toBe("CORRUPT");
  });

  for (const method of ["openToRead", "readable.read", "readable.size"]) {
    test(`is no error when it comes from the disk, at ${method}`, async () => {
      const path = await sealedStore();
      const fail = ({ method: called, path: file }: { method: string; path: string }): Verdict =>
        called === method && file.endsWith(".idx") ? { error: systemError("EIO", file) } : undefined;
      const disk = new HookedDisk(fail);
      using store = KvStore.openOn(disk, path, { readOnly: true, mmap: false });
      expect(store.get(keyOf(1234))?.trim()).toBe("1234");
      expect([...store.keys()]).toEqual(allKeys());
      expect(disk.calls.some((call) => call.method === method && call.path.endsWith(".idx"))).toBe(true);
    });
  }

  test("leaves no file open", async () => {
    const path = await sealedStore();
    writeFileSync(join(path, "1.idx"), "no index");
    const before = readdirSync("/proc/self/fd").length;
    for (let round = 0; round < 20; round += 1) {
      using store = KvStore.open(path, { readOnly: true, mmap: round % 2 === 0 });
      expect(store.get(keyOf(3))?.trim()).toBe("3");
    }
    expect(readdirSync("/proc/self/fd").length).toBeLessThan(before + 5);
  });

  test("met by a handle that may write is removed, and made anew by the next maintenance", async () => {
    const path = await sealedStore();
    const index = join(path, "1.idx");
    const whole = readFileSync(index);
    damageOrder(index);
    for (const readOnly of [true, false]) {
      using store = KvStore.openOn(fastDisk(), path, { readOnly, autoCompact: false });
      expect([...store.keys()]).toEqual(allKeys());
      expect(existsSync(index)).toBe(readOnly);
    }
    KvStore.maintain(path, { autoCompact: false });
    expect(readFileSync(index).equals(whole)).toBe(true);
  });

  test("whose header shows it is made anew, the same as before", async () => {
    const path = await sealedStore();
    const index = join(path, "1.idx");
    const whole = readFileSync(index);
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(whole.length), whole.subarray(0, -PAGE_BYTES)]) {
      writeFileSync(index, bytes);
      KvStore.maintain(path, { autoCompact: false });
      expect(readFileSync(index).equals(whole)).toBe(true);
    }
  });
});

describe("an index beside a log that", () => {
  const HARMS: Readonly<Record<string, (bytes: Buffer) => Uint8Array>> = {
    "lost its seal": (bytes) => bytes.subarray(0, -40),
    "lost its last byte": (bytes) => bytes.subarray(0, -1),
    "goes on behind its seal": (bytes) => Buffer.concat([bytes, Buffer.from("junk")]),
  };
  for (const [name, harm] of Object.entries(HARMS)) {
    test(`${name} does not hide that`, async () => {
      const path = await sealedStore();
      const log = join(path, "1.log");
      writeFileSync(log, harm(readFileSync(log)));
      using store = KvStore.openOn(fastDisk(), path, { readOnly: true });
      expect(codeOf(() => store.get("no such key"))).toBe("CORRUPT");
      expect(codeOf(() => [...store.keys()])).toBe("CORRUPT");
      expect(store.get("last")).toBe("1");
    });
  }
});

describe("without its index, a log", () => {
  test("that was read for one key takes its index over as soon as there is one", async () => {
    const path = await sealedStore("binary", 1000);
    const index = readFileSync(join(path, "1.idx"));
    rmSync(join(path, "1.idx"));
    const disk = new HookedDisk(() => undefined);
    using store = KvStore.openOn(disk, path, { readOnly: true, mmap: false });
    expect(store.get(keyOf(1))?.trim()).toBe("1");
    const whole = readsOfLog(disk);
    expect(whole).toBeGreaterThan(5);
    writeFileSync(join(path, "1.idx"), index);
    {
      using rotating = KvStore.openOn(fastDisk(), path, { autoCompact: false, generationBytes: 1 });
      rotating.set("other", "1");
    }
    expect(store.get(keyOf(2))?.trim()).toBe("2");
    expect(readsOfLog(disk) - whole).toBeLessThan(3);
  });

  for (const valueBytes of [10, 1000]) {
    test(`of ${valueBytes} bytes a record answers the first lookups and the later ones alike`, async () => {
      const path = await sealedStore("binary", valueBytes);
      rmSync(join(path, "1.idx"));
      for (const first of [keyOf(0), keyOf(999), "no such key"]) {
        using store = KvStore.openOn(fastDisk(), path, { readOnly: true });
        const wanted = first === "no such key" ? undefined : `${Number(first.slice(4))}`;
        for (let round = 0; round < 8; round += 1) expect(store.get(first)?.trim()).toBe(wanted);
        for (let number = 0; number < KEYS; number += 50)
          expect(store.get(keyOf(number))?.trim()).toBe(`${number}`);
      }
    });

    test(`of ${valueBytes} bytes a record that goes on behind its seal is damage, every time`, async () => {
      const path = await sealedStore("binary", valueBytes);
      rmSync(join(path, "1.idx"));
      appendFileSync(join(path, "1.log"), "junk");
      using store = KvStore.openOn(fastDisk(), path, { readOnly: true });
      for (let round = 0; round < 4; round += 1) {
        expect(codeOf(() => store.get("no such key"))).toBe("CORRUPT");
        if (round === 1) expect(codeOf(() => store.count())).toBe("CORRUPT");
      }
    });
  }
});

/** How often the first log was read from. */
function readsOfLog({ calls }: HookedDisk): number {
  return calls.filter(({ method, path }) => method === "readable.read" && path.endsWith("/1.log")).length;
}

describe("a log that can have no index", () => {
  async function manyLogs(): Promise<string> {
    const path = newStorePath();
    for (let number = 1; number <= 5; number += 1) {
      using store = KvStore.openOn(fastDisk(), path, { autoCompact: false, generationBytes: 1 });
      store.set(keyOf(number), "value");
    }
    for (const name of readdirSync(path)) if (name.endsWith(".idx")) rmSync(join(path, name));
    return path;
  }

  test("because it is damaged does not keep the others from theirs", async () => {
    const path = await manyLogs();
    const log = readFileSync(join(path, "2.log"));
    writeFileSync(join(path, "2.log"), log.fill("y", 80, 85));
    KvStore.maintain(path, { autoCompact: false });
    const indexes = readdirSync(path).filter((name) => name.endsWith(".idx"));
    expect(indexes.toSorted()).toEqual(["1.idx", "3.idx", "4.idx", "5.idx"]);
  });

  for (const taken of ["2.idx", "2.idx.tmp"]) {
    test(`because a directory is called ${taken} does not, and can be merged`, async () => {
      const path = await manyLogs();
      mkdirSync(join(path, taken));
      writeFileSync(join(path, taken, "mine"), "kept");
      KvStore.maintain(path, { autoCompact: false });
      const indexes = readdirSync(path).filter((name) => name.endsWith(".idx") && name !== taken);
      expect(indexes.toSorted()).toEqual(["1.idx", "3.idx", "4.idx", "5.idx"]);
      using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
      expect((await store.compact()).generationsMerged).toBe(5);
      expect(logsOf(path)).toEqual(["1-5.log", "6.log"]);
      expect([...store.keys()]).toEqual([1, 2, 3, 4, 5].map(keyOf));
      expect(readFileSync(join(path, taken, "mine"), "utf8")).toBe("kept");
    });
  }

  for (const taken of ["1-5.idx", "1-5.idx.tmp"]) {
    test(`because a directory is called ${taken} is merged all the same`, async () => {
      const path = await manyLogs();
      mkdirSync(join(path, taken));
      using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
      expect((await store.compact()).generationsMerged).toBe(5);
      expect([...store.keys()]).toEqual([1, 2, 3, 4, 5].map(keyOf));
      expect(statSync(join(path, taken)).isDirectory()).toBe(true);
      expect(readdirSync(path).filter((name) => name.endsWith(".tmp") && name !== taken)).toEqual([]);
    });
  }
});

describe("files of indexes", () => {
  test("that were not finished are left to the compactor, who may be at it", async () => {
    const path = await sealedStore();
    for (const name of ["1.idx.tmp", "1-2.idx.tmp"]) writeFileSync(join(path, name), "unfinished");
    rmSync(join(path, "LOCK"));
    {
      using store = KvStore.openOn(fastDisk(), path);
      store.set("recovers", "1");
      expect(readdirSync(path)).toEqual(expect.arrayContaining(["1.idx.tmp", "1-2.idx.tmp"]));
    }
    KvStore.maintain(path, { autoCompact: false });
    expect(readdirSync(path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("go with the logs they belong to", async () => {
    const path = await sealedStore();
    writeFileSync(join(path, "9.idx"), "of no log");
    using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
    await store.compact();
    expect(readdirSync(path).toSorted()).toEqual(["1-2.idx", "1-2.log", "3.log", "COMPACT", "LOCK"]);
  });

  test("say of their logs what is so", async () => {
    const path = newStorePath();
    {
      using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
      for (let number = 0; number < 2000; number += 1) store.set(`k${number % 1000}`, "0123456789");
      for (let number = 0; number < 100; number += 1) store.delete(`k${number}`);
      store.set("expires", "0123456789", { ttlMs: 60_000 });
      store.set("expires later", "0123456789", { ttlMs: 90_000 });
    }
    {
      using store = KvStore.openOn(fastDisk(), path, { autoCompact: false, generationBytes: 1 });
      store.set("k500", "newer");
    }
    const { summary } = headerOf(join(path, "1.idx"));
    const expiring = 2 * (12 + 8 + 10) + "expires".length + "expires later".length;
    const logBytes = statSync(join(path, "1.log")).size;
    expect(summary).toMatchObject({ records: 2102, entries: 1002, logBytes, expiringBytes: expiring });
    expect(summary.lastExpiry - summary.firstExpiry).toBeWithin(30_000, 60_000);
    expect(summary).toMatchObject({ shadowedBytes: 0, liveBytes: 900 * (12 + 4 + 10) + expiring });
    expect(headerOf(join(path, "2.idx")).summary).toMatchObject({ entries: 1, shadowedBytes: 12 + 4 + 10 });
    using store = KvStore.openOn(fastDisk(), path, { readOnly: true });
    const [first] = store.stats().generations;
    expect(first).toMatchObject({ records: 2102, liveBytes: summary.liveBytes - (12 + 4 + 10) });
  });
});

describe("the index of a log that makes a long record stale", () => {
  async function replacedStore(format: LogFormat): Promise<string> {
    const path = newStorePath();
    for (const value of ["x".repeat(70_000), "short"]) {
      using store = KvStore.openOn(fastDisk(), path, { format, autoCompact: false, generationBytes: 1 });
      store.set("long", value);
    }
    return path;
  }

  test("counts all of it", async () => {
    const paths = [await replacedStore("binary"), await replacedStore("json")];
    const counted = paths.map((path) => headerOf(join(path, "2.idx")).summary.shadowedBytes);
    const line = `{"Set":{"key":"long","value":""}}\n`;
    expect(counted).toEqual([12 + "long".length + 70_000, line.length + 70_000]);
  });

  test("is made though that record is damaged", async () => {
    const path = await replacedStore("binary");
    rmSync(join(path, "2.idx"));
    const log = readFileSync(join(path, "1.log"));
    writeFileSync(join(path, "1.log"), log.fill("y", 30_000, 30_010));
    KvStore.maintain(path, { autoCompact: false });
    expect(headerOf(join(path, "2.idx")).summary.entries).toBe(1);
  });
});

describe("the index of a JSON log", () => {
  /** Whether the index counts: what does not is made anew by the next maintenance. */
  function isTakenForGood(path: string, name: string): boolean {
    const { ino } = statSync(join(path, name));
    KvStore.maintain(path, { autoCompact: false });
    return statSync(join(path, name)).ino === ino;
  }

  function readsOf(path: string, number: number): string | undefined {
    using store = KvStore.openOn(fastDisk(), path, { readOnly: true });
    const scanned = new Map(store.entries()).get(keyOf(number));
    expect(store.get(keyOf(number))).toBe(scanned);
    return scanned?.trim();
  }

  function edit(path: string, log: string, from: string, to: string): void {
    const text = readFileSync(join(path, log), "utf8");
    expect(text.includes(from)).toBe(true);
    writeFileSync(join(path, log), text.replace(from, to));
    // Nobody edits a file within the millisecond in which it was written.
    const { mtimeMs } = statSync(join(path, log));
    utimesSync(join(path, log), new Date(), new Date(mtimeMs + 1000));
  }

  test("is stamped with the content, the inode and the time of its log", async () => {
    const path = await sealedStore("json");
    using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
    const stamps = (log: string): unknown => {
      const { ino, mtimeMs } = statSync(join(path, log));
      const digest = Bun.hash.crc32(readFileSync(join(path, log)));
      return { digest, inode: ino, modified: Math.floor(mtimeMs) };
    };
    expect(headerOf(join(path, "1.idx")).summary.content as unknown).toEqual(stamps("1.log"));
    await store.compact();
    expect(headerOf(join(path, "1-2.idx")).summary.content as unknown).toEqual(stamps("1-2.log"));
  });

  for (const merged of [false, true]) {
    test(`notices a ${merged ? "merged" : "sealed"} log that was edited, its size the same`, async () => {
      const path = await sealedStore("json");
      if (merged) {
        using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
        await store.compact();
      }
      const [log = ""] = logsOf(path);
      const index = log.replace("log", "idx");
      expect(isTakenForGood(path, index)).toBe(true);
      // A value; then a key, which only a new order and a new table find.
      edit(path, log, '"1234 ', '"4321 ');
      expect(readsOf(path, 1234)).toBe("4321");
      expect(isTakenForGood(path, index)).toBe(false);
      expect(readsOf(path, 1234)).toBe("4321");
      edit(path, log, keyOf(1000), keyOf(9999));
      expect(readsOf(path, 9999)).toBe("1000");
      expect(readsOf(path, 1000)).toBeUndefined();
      KvStore.maintain(path, { autoCompact: false });
      expect(existsSync(join(path, index))).toBe(true);
    });
  }

  test("notices that two records changed their places", async () => {
    const path = await sealedStore("json");
    const lines = readFileSync(join(path, "1.log"), "utf8").split("\n");
    const [a = "", b = ""] = lines.slice(10, 12);
    edit(path, "1.log", `${a}\n${b}`, `${b}\n${a}`);
    expect([readsOf(path, 9), readsOf(path, 10)]).toEqual(["9", "10"]);
    expect(isTakenForGood(path, "1.idx")).toBe(false);
  });

  test("goes on to count when the log was copied or only touched, and is stamped anew once", async () => {
    const path = await sealedStore("json");
    utimesSync(join(path, "1.log"), 1, 1);
    const copy = join(newStorePath(), "..", "copy");
    cpSync(path, copy, { recursive: true });
    for (const directory of [path, copy]) {
      expect(readsOf(directory, 77)).toBe("77");
      // Until then every start sums up the whole log.
      expect(isTakenForGood(directory, "1.idx")).toBe(false);
      expect(isTakenForGood(directory, "1.idx")).toBe(true);
    }
  });
});

test("maintenance that something stood in the way of is tried again, though nobody writes any more", async () => {
  const path = newStorePath();
  using store = KvStore.open(path, { generationBytes: 5000 });
  // Nobody can lock a directory.
  const blocked = join(path, "COMPACT");
  mkdirSync(blocked);
  for (let number = 0; number < 100; number += 1) store.set(`k${number}`, "v".repeat(100));
  await Bun.sleep(300);
  expect(readdirSync(path).filter((name) => name.endsWith(".idx"))).toEqual([]);
  rmdirSync(blocked);
  const deadline = performance.now() + 20_000;
  while (!readdirSync(path).some((name) => name.endsWith(".idx"))) {
    if (performance.now() > deadline) throw new Error("No index was made");
    await Bun.sleep(50);
  }
  expect(store.count()).toBe(100);
});
