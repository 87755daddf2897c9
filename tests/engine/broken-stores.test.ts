import { describe, expect, test } from "bun:test";
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Disk, ReadableFile } from "../../src/disk/disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { readRecords } from "../../src/engine/log-records.ts";
import { repairSteps } from "../../src/engine/repair.ts";
import { runInSlices, runToEnd } from "../../src/engine/slices.ts";
import { verifyFiles } from "../../src/engine/verify.ts";
import { KvStore, logRecords, type LogFormat, repairStore, verifyStore } from "../../src/index.ts";
import { parseLogHeader } from "../../src/format/log-header.ts";
import { codeOf, codeOfAsync, contentOf, errorOf, logsOf } from "../support/damage.ts";
import { fastDisk, systemError } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

/** A store of three logs, 1.log, 2.log and 3.log, each with a record of its own and one of `same`. */
function threeLogs(format: LogFormat = "binary"): string {
  const path = newStorePath();
  using store = KvStore.openOn(fastDisk(), path, { format, generationBytes: 1, autoCompact: false });
  for (const name of ["a", "b", "c"]) store.batch([{ set: [name, name] }, { set: ["same", name] }]);
  return path;
}

/** Puts a byte that was not there into the middle of a file. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf("same") + 1;
  bytes[at] = 0x7f;
  writeFileSync(path, bytes);
}

/** A store that was merged, with the logs that it was merged from. */
async function mergedBesideItsInputs(
  format?: LogFormat,
): Promise<{ path: string; merged: string; inputs: string[] }> {
  const path = threeLogs(format);
  const before = newStorePath();
  cpSync(path, before, { recursive: true });
  using store = KvStore.openOn(fastDisk(), path);
  await store.compact();
  store.close();
  const merged = logsOf(path).find((name) => name.includes("-")) ?? "";
  const inputs = logsOf(before).filter(
    (name) => Number.parseInt(name, 10) <= Number(/-(\d+)/.exec(merged)?.[1]),
  );
  for (const name of inputs) copyFileSync(join(before, name), join(path, name));
  return { path, merged, inputs };
}

/** Repairs into a new store; its content, and what was lost, by file. */
async function repaired(path: string): Promise<{ content: [string, string][]; lost: string[] }> {
  const to = newStorePath();
  const { lost } = await repairStore(path, to);
  return { content: contentOf(to), lost: lost.map(({ file, reason }) => `${basename(file)}: ${reason}`) };
}

describe("a merged log beside what it was merged from", () => {
  test("is used alone as long as it is sound", async () => {
    const { path } = await mergedBesideItsInputs();
    expect((await verifyStore(path)).damage).toEqual([]);
    const { content, lost } = await repaired(path);
    expect([new Map(content).get("same"), lost]).toEqual(["c", []]);
  });

  test("is used with them once it is damaged, and nothing is lost but its own copy", async () => {
    const { path, merged } = await mergedBesideItsInputs();
    damage(join(path, merged));
    expect((await verifyStore(path)).damage.length).toBeGreaterThan(0);
    const { content } = await repaired(path);
    expect(content).toEqual([
      ["a", "a"],
      ["b", "b"],
      ["c", "c"],
      ["same", "c"],
    ]);
  });

  test("is not damaged where one of them breaks off: it is not read any more", async () => {
    const { path, inputs } = await mergedBesideItsInputs();
    const log = join(path, inputs[0] ?? "");
    writeFileSync(log, readFileSync(log).subarray(0, -3));
    const { damage: found, tornTails } = await verifyStore(path);
    expect([found, tornTails]).toEqual([[], []]);
    expect(new Map(contentOf(path)).get("same")).toBe("c");
  });

  test("is used alone where one of them is gone: what they removed could come back", async () => {
    const { path, merged, inputs } = await mergedBesideItsInputs();
    damage(join(path, merged));
    rmSync(join(path, inputs[0] ?? ""));
    const { content, lost } = await repaired(path);
    expect(lost.length).toBeGreaterThan(0);
    expect(content.filter(([key]) => key === "same").map(([, value]) => value)).not.toContain("a");
  });

  test("is used with them where its header is gone, which names them", async () => {
    const { path, merged } = await mergedBesideItsInputs("json");
    const log = join(path, merged);
    writeFileSync(log, `#${readFileSync(log, "latin1").slice(1)}`, "latin1");
    const { content, lost } = await repaired(path);
    expect(content).toEqual([
      ["a", "a"],
      ["b", "b"],
      ["c", "c"],
      ["same", "c"],
    ]);
    expect(lost.length).toBeGreaterThan(0);
  });
});

describe("what stands beside a merged log", () => {
  test("is of no more use where its own header is damaged, and stands in nobody's way", async () => {
    const { path, inputs } = await mergedBesideItsInputs();
    const input = join(path, inputs[0] ?? "");
    writeFileSync(input, `#${readFileSync(input, "latin1").slice(1)}`, "latin1");
    expect(new Map(contentOf(path)).get("same")).toBe("c");
  });

  test("stops everybody where it is of another store: it may have been put in the place of a log", async () => {
    const { path, merged, inputs } = await mergedBesideItsInputs();
    copyFileSync(join(threeLogs(), "1.log"), join(path, inputs[0] ?? ""));
    const { code, message } = errorOf(() => contentOf(path));
    expect(code).toBe("CORRUPT");
    expect(message).toContain(`${merged}": it belongs to another store`);
  });

  test("stops everybody where of the merged log nothing is left but its header", async () => {
    const { path, merged } = await mergedBesideItsInputs();
    const bytes = readFileSync(join(path, merged));
    const parsed = parseLogHeader(bytes);
    expect(parsed.status).toBe("header");
    if (parsed.status === "header") writeFileSync(join(path, merged), bytes.subarray(0, parsed.length));
    const { code, message } = errorOf(() => contentOf(path));
    expect(code).toBe("CORRUPT");
    expect(message).toContain("the log breaks off before its seal");
  });
});

describe("a directory of the original", () => {
  test("is repaired up to where it breaks off, whatever number it starts with", async () => {
    const path = newStorePath();
    realDisk.makeDirectory(path);
    writeFileSync(join(path, "3.log"), '{"Set":{"key":"a","value":"1"}}{"Set":{"ke');
    expect((await verifyStore(path)).damage).toEqual([]);
    expect((await repaired(path)).content).toEqual([["a", "1"]]);
    expect([...logRecords(path)].length).toBe(1);
  });
});

describe("a directory in which somebody has put things", () => {
  test("a log of another store is named, and none of its records is used", async () => {
    const path = threeLogs();
    copyFileSync(join(threeLogs(), "2.log"), join(path, "2.log"));
    const { damage: found } = await verifyStore(path);
    expect(found.map(({ file, reason }) => [basename(file), reason])).toContainEqual([
      "2.log",
      "it belongs to another store",
    ]);
    const { content, lost } = await repaired(path);
    expect(lost).toContain("2.log: it belongs to another store");
    expect(new Map(content).get("b")).toBeUndefined();
    expect(new Map(content).get("same")).toBe("c");
  });

  test("a log under a second name counts once", async () => {
    const path = threeLogs();
    copyFileSync(join(path, "2.log"), join(path, "9.log"));
    expect((await verifyStore(path)).damage.length).toBeGreaterThan(0);
    expect((await repaired(path)).content).toEqual([
      ["a", "a"],
      ["b", "b"],
      ["c", "c"],
      ["same", "c"],
    ]);
  });

  test("a link and a directory in the place of logs are named, and not followed", async () => {
    const path = threeLogs();
    symlinkSync(join(path, "1.log"), join(path, "8.log"));
    realDisk.makeDirectory(join(path, "9.log"));
    const reasons = (await verifyStore(path)).damage.map(({ reason }) => reason);
    expect(reasons).toContain("it is a symbolic link");
    expect(reasons).toContain("it is not a regular file");
    const { content, lost } = await repaired(path);
    expect(lost).toContain("8.log: it is a symbolic link");
    expect(new Map(content).get("same")).toBe("c");
  });

  test("text logs that overlap are both kept, the older one with its numbers", async () => {
    const path = threeLogs("json");
    for (const name of logsOf(path)) rmSync(join(path, name));
    const line = (value: string): string => `{"Set":{"key":"${value}","value":"${value}"}}\n`;
    writeFileSync(join(path, "1-2.log"), `${line("a")}\n`);
    writeFileSync(join(path, "2-3.log"), line("b"));
    expect((await verifyStore(path)).damage.length).toBeGreaterThan(0);
    expect((await repaired(path)).content).toEqual([
      ["a", "a"],
      ["b", "b"],
    ]);
  });

  test("no log at all is no store to repair", async () => {
    const path = threeLogs();
    for (const name of logsOf(path)) rmSync(join(path, name));
    expect(await codeOfAsync(() => repairStore(path, newStorePath()))).not.toBe("none");
    expect(await codeOfAsync(() => verifyStore(path))).toBe("none");
    expect(codeOf(() => [...logRecords(newStorePath())])).toBe("NO_STORE");
  });
});

describe.each(["binary", "json"] as const)("the records of a %s store", (format) => {
  test("are told with what has become of them", () => {
    const path = threeLogs(format);
    {
      using store = KvStore.openOn(fastDisk(), path);
      store.set("gone", "x", { ttlMs: 1 });
      store.delete("a");
      Bun.sleepSync(5);
    }
    const states = [...logRecords(path)].map((record) => ("state" in record ? record.state : record.damage));
    expect(new Set(states)).toEqual(new Set(["live", "stale", "expired"]));
    expect([...logRecords(path, { generation: 2 })].length).toBe(2);
  });

  test("are told around a damaged place, where the store as a whole can not be opened any more", () => {
    const path = threeLogs(format);
    rmSync(join(path, "2.log"));
    writeFileSync(join(path, "1.log"), readFileSync(join(path, "1.log")).subarray(0, -3));
    const found = [...logRecords(path)];
    expect(found.some((record) => "damage" in record)).toBe(true);
    expect(found.filter((record) => "state" in record).every(({ state }) => state === "unknown")).toBe(true);
  });

  test("are found behind a header that is damaged", async () => {
    const path = threeLogs(format);
    const log = join(path, "1.log");
    const bytes = readFileSync(log);
    bytes.fill("#", 2, 12);
    writeFileSync(log, bytes);
    expect([...logRecords(path)].some((record) => "damage" in record)).toBe(true);
    expect(new Map((await repaired(path)).content).get("same")).toBe("c");
  });
});

describe("a disk that cannot read a sector", () => {
  /** As this machine's, but reading one file fails as `fault` says. */
  function withFaults(path: string, fault: (position: number, length: number) => string | undefined): Disk {
    const check = (position: number, length: number): void => {
      const code = fault(position, length);
      if (code !== undefined) throw systemError(code, path);
    };
    const hurt = (file: ReadableFile): ReadableFile => ({
      ...file,
      read: (position, length) => {
        check(position, length);
        return file.read(position, length);
      },
      readInto: (target, position, start = 0, end = target.length) => {
        check(position, end - start);
        return file.readInto(target, position, start, end);
      },
      map: () => undefined,
    });
    const open = (name: string): ReadableFile | undefined => {
      const file = realDisk.openToRead(name);
      return file !== undefined && name === path ? hurt(file) : file;
    };
    return { ...realDisk, openToRead: open };
  }

  /** Nothing can be read of it from one place to another. */
  function withBadSector(path: string, from: number, to: number): Disk {
    return withFaults(path, (position, length) =>
      position < to && position + length > from ? "EIO" : undefined,
    );
  }

  function longLog(): string {
    const path = newStorePath();
    using store = KvStore.openOn(fastDisk(), path);
    for (let number = 0; number < 100; number += 1) store.set(`key ${number}`, "x".repeat(200));
    return path;
  }

  test("loses the records in it, and no other", async () => {
    const path = longLog();
    const disk = withBadSector(join(path, "1.log"), 8192, 8200);
    const { damage: found } = await runInSlices(verifyFiles(disk, path), undefined);
    expect(found.length).toBeGreaterThan(0);
    const to = newStorePath();
    const { lostCount } = await runInSlices(repairSteps(disk, path, to), undefined);
    expect(lostCount).toBeGreaterThan(0);
    expect(contentOf(to).length).toBeGreaterThan(70);
    expect(contentOf(to).length).toBeLessThan(100);
  });

  test.each([
    ["once", (tries: number) => (tries === 1 ? "ENOMEM" : undefined)],
    ["as the sectors are tried", (tries: number) => ["EIO", "ENOMEM"][tries - 1]],
  ])("is told apart from a system that is short of memory, %s: that is no damage", (_, faultOf) => {
    const path = longLog();
    const work: readonly ((disk: Disk) => Generator<void, unknown>)[] = [
      (disk) => verifyFiles(disk, path),
      (disk) => repairSteps(disk, path, newStorePath()),
    ];
    for (const steps of work) {
      let tries = 0;
      const disk = withFaults(join(path, "1.log"), () => faultOf((tries += 1)));
      expect(errorOf(() => runToEnd(steps(disk))).message).toContain("ENOMEM");
    }
  });

  test("ends a scan at the record that is in it, and no sooner", async () => {
    const path = newStorePath();
    const keys = Array.from({ length: 100 }, (_, number) => `key ${100 + number}`);
    {
      using store = KvStore.openOn(fastDisk(), path);
      for (const key of keys) store.set(key, "x".repeat(200));
      await store.compact();
    }
    const name = readdirSync(path).find((each) => /-.*log$/.test(each)) ?? "";
    using store = KvStore.openOn(withBadSector(join(path, name), 8192, 8200), path, { readOnly: true });
    const seen: string[] = [];
    const code = codeOf(() => {
      for (const key of store.keys()) seen.push(key);
    });
    expect([code, seen]).toEqual(["IO", keys.slice(0, seen.length)]);
    expect(seen.length).toBeGreaterThan(30);
    expect([...store.keys({ limit: seen.length })]).toEqual(seen);
    expect([...store.keys({ reverse: true, limit: 50 })]).toEqual(keys.toReversed().slice(0, 50));
  });

  test("is told apart from one that reads nothing at all", () => {
    const path = longLog();
    const broken: Disk = {
      ...realDisk,
      openToRead: (name) => {
        if (name.endsWith(".log")) throw systemError("EMFILE", name);
        return realDisk.openToRead(name);
      },
    };
    expect(codeOf(() => runToEnd(verifyFiles(broken, path)))).toBe("IO");
    expect(codeOf(() => [...readRecords(broken, path, undefined)])).toBe("IO");
  });
});

describe("a directory that changes while it is listed", () => {
  /** Lists a log that is gone once it is opened, so many times; mostly the same one. */
  function withGhosts(times: number, nameOf: (left: number) => string = () => "9.log"): Disk {
    let left = times;
    return {
      ...realDisk,
      list: (directory) => {
        const names = realDisk.list(directory);
        if (names === undefined || left === 0) return names;
        left -= 1;
        return [...names, nameOf(left)];
      },
    };
  }

  test("is listed again", () => {
    const path = threeLogs();
    expect(runToEnd(verifyFiles(withGhosts(1), path)).damage).toEqual([]);
    expect(readdirSync(path)).toContain("3.log");
  });

  test("is listed again by whoever opens it, and is damaged if it stays so", () => {
    const path = threeLogs();
    {
      using store = KvStore.openOn(withGhosts(1), path, { readOnly: true });
      expect(store.get("same")).toBe("c");
    }
    expect(codeOf(() => KvStore.openOn(withGhosts(1000), path, { readOnly: true }))).not.toBe("none");
  });

  test("is listed again where the log that has vanished would be the next one", () => {
    const path = threeLogs();
    const next = `${logsOf(path).length + 1}.log`;
    {
      using store = KvStore.openOn(
        withGhosts(1, () => next),
        path,
        { readOnly: true },
      );
      expect(store.get("same")).toBe("c");
    }
    const { code, message } = errorOf(() =>
      KvStore.openOn(
        withGhosts(1000, () => next),
        path,
        { readOnly: true },
      ),
    );
    expect([code, message]).toEqual(["CORRUPT", expect.stringContaining("vanished")]);
  });

  test("is given up by whoever opens it once it has changed too often", () => {
    const path = threeLogs();
    const { code, message } = errorOf(() =>
      KvStore.openOn(
        withGhosts(1000, (left) => `${left + 100}.log`),
        path,
        { readOnly: true },
      ),
    );
    expect([code, message]).toEqual(["IO", expect.stringContaining("faster than they can be listed")]);
  });

  test("is given up once it has changed too often", () => {
    expect(codeOf(() => runToEnd(verifyFiles(withGhosts(1000), threeLogs())))).toBe("IO");
  });
});
