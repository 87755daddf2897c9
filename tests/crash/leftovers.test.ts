import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { KvStore } from "../../src/index.ts";
import { changeHint, codeOf, contentOf, errorOf, logsOf, readHint, snapshotOf } from "../support/damage.ts";
import { fastDisk, HookedDisk, systemError, type Verdict } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath, temporaryDirectory } from "../support/temporary.ts";

const CONTENT: [string, string][] = [
  ["a", "2"],
  ["b", "1"],
  ["c", "1"],
];

/** 1.log, 2.log and 3.log are sealed, 4.log is empty. */
async function writeStore(): Promise<string> {
  const path = newStorePath();
  const store = KvStore.openOn(fastDisk(), path, { generationBytes: 1 });
  store.batch([{ set: ["a", "1"] }, { set: ["b", "1"] }, { set: ["gone", "1"] }]);
  await endTick();
  store.batch([{ set: ["a", "2"] }, { remove: "gone" }]);
  await endTick();
  store.set("c", "1");
  await endTick();
  store.close();
  expect(logsOf(path)).toEqual(["1.log", "2.log", "3.log", "4.log"]);
  return path;
}

/** Opens, reads, writes, merges, and reads again. */
async function expectWorks(path: string): Promise<void> {
  expect(contentOf(path)).toEqual(CONTENT);
  using store = KvStore.openOn(fastDisk(), path);
  store.set("z", "9");
  store.remove("z");
  await store.compact();
  expect([...store.entries()]).toEqual(CONTENT);
  expect(contentOf(path)).toEqual(CONTENT);
}

function expectRefused(path: string, mention: string): void {
  // Who takes the lock leaves its process id in LOCK.
  const before = snapshotOf(path, { except: "LOCK" });
  const error = errorOf(() => contentOf(path));
  expect(error.code).toBe("CORRUPT");
  expect(error.message).toContain(mention);
  expect(codeOf(() => KvStore.openOn(fastDisk(), path).set("x", "1"))).toBe("CORRUPT");
  expect(snapshotOf(path, { except: "LOCK" })).toEqual(before);
}

describe("what a writer or a compactor that died has left", () => {
  test("as an unfinished log is removed by the next writer that recovers", async () => {
    const path = await writeStore();
    writeFileSync(join(path, "9.log.tmp"), "unfinished");
    writeFileSync(join(path, "5.log.tmp"), "");
    rmSync(join(path, "LOCK"));
    await expectWorks(path);
    expect(readdirSync(path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("as an unfinished merge is removed by the next compactor", async () => {
    const path = await writeStore();
    writeFileSync(join(path, "1-2.log.tmp"), "unfinished");
    writeFileSync(join(path, "1-4.log.tmp"), "unfinished");
    await expectWorks(path);
    expect(readdirSync(path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("as inputs beside their merge is ignored, then removed (invariant 5)", async () => {
    const path = await writeStore();
    const backup = temporaryDirectory();
    cpSync(path, backup, { recursive: true });
    {
      using store = KvStore.openOn(fastDisk(), path);
      store.delete("b");
      await store.compact();
    }
    // The first log alone would bring a removed key back.
    for (const name of ["1.log", "2.log", "3.log"]) {
      copyFileSync(join(backup, name), join(path, name));
      expect(contentOf(path)).toEqual(CONTENT.filter(([key]) => key !== "b"));
    }
    using store = KvStore.openOn(fastDisk(), path);
    store.set("b", "1");
    expect([...store.entries()]).toEqual(CONTENT);
    await store.compact();
    expect(logsOf(path)).not.toContain("1.log");
    expect(contentOf(path)).toEqual(CONTENT);
  });

  test("as inputs beside a merge that is damaged stays, and the damage is loud (invariant 8)", async () => {
    const path = await writeStore();
    const backup = temporaryDirectory();
    cpSync(path, backup, { recursive: true });
    {
      using store = KvStore.openOn(fastDisk(), path);
      await store.compact();
    }
    const merged = logsOf(path).find((name) => name.includes("-")) ?? "";
    for (const name of ["1.log", "2.log", "3.log"]) copyFileSync(join(backup, name), join(path, name));
    const bytes = readFileSync(join(path, merged));
    // Into the records, behind the header and in front of the seal.
    const at = bytes.length - 45;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(join(path, merged), bytes);
    using store = KvStore.openOn(fastDisk(), path);
    expect(
      await store.compact().then(
        () => "none",
        (error: unknown) => (error as { code: string }).code,
      ),
    ).toBe("CORRUPT");
    expect(logsOf(path).filter((name) => name !== "4.log" && name !== "5.log")).toEqual(
      ["1.log", "2.log", "3.log", merged].toSorted(),
    );
    expect(codeOf(() => contentOf(path))).toBe("CORRUPT");
  });

  test("as a sealed log without a successor gets one from the next writer", async () => {
    const path = newStorePath();
    let armed = false;
    const disk = new HookedDisk((call): Verdict =>
      armed && call.method === "create" ? { error: systemError("ENOSPC", call.path) } : undefined,
    );
    const store = KvStore.openOn(disk, path, { generationBytes: 1 });
    armed = true;
    store.set("a", "1");
    store.close();
    expect(logsOf(path)).toEqual(["1.log"]);
    expect(contentOf(path)).toEqual([["a", "1"]]);
    expect(logsOf(path)).toEqual(["1.log"]);
    using next = KvStore.openOn(fastDisk(), path);
    next.set("b", "1");
    expect(logsOf(path)).toEqual(["1.log", "2.log"]);
    expect([...next.keys()]).toEqual(["a", "b"]);
  });
});

describe("a directory that is no store any more", () => {
  test("because a log in the middle is missing is refused by name", async () => {
    const path = await writeStore();
    unlinkSync(join(path, "2.log"));
    expectRefused(path, "2.log");
  });

  test("because the first log is missing is refused by name", async () => {
    const path = await writeStore();
    unlinkSync(join(path, "1.log"));
    expectRefused(path, "1.log");
  });

  test("because the newest log is missing is refused, as long as LOCK tells", async () => {
    const path = await writeStore();
    unlinkSync(join(path, "4.log"));
    expectRefused(path, "generation 4");
  });

  test("because all logs are missing is refused, as long as LOCK tells", async () => {
    const path = await writeStore();
    for (const name of logsOf(path)) unlinkSync(join(path, name));
    expectRefused(path, "generation 4");
  });

  test("because logs overlap is refused by name", async () => {
    const path = await writeStore();
    {
      using store = KvStore.openOn(fastDisk(), path);
      await store.compact();
    }
    const [merged = ""] = logsOf(path);
    const last = Number(merged.split(/[-.]/)[1]);
    copyFileSync(join(path, merged), join(path, `2-${last + 3}.log`));
    expectRefused(path, `2-${last + 3}.log`);
  });

  test("because two logs were swapped is refused", async () => {
    const path = await writeStore();
    renameSync(join(path, "1.log"), join(path, "x"));
    renameSync(join(path, "2.log"), join(path, "1.log"));
    renameSync(join(path, "x"), join(path, "2.log"));
    expectRefused(path, "1.log");
  });

  test("because a log of another store is among its own is refused", async () => {
    for (const name of ["1.log", "2.log", "4.log"]) {
      const [path, other] = [await writeStore(), await writeStore()];
      copyFileSync(join(other, name), join(path, name));
      expectRefused(path, ".log");
    }
  });

  test("because a stray log claims to replace others is refused", async () => {
    const path = await writeStore();
    const other = await writeStore();
    for (const source of ["1.log", "3.log"]) {
      copyFileSync(join(path, source), join(path, "1-99.log"));
      expectRefused(path, "1-99.log");
    }
    {
      using store = KvStore.openOn(fastDisk(), other);
      await store.compact();
    }
    const [merged = ""] = logsOf(other);
    unlinkSync(join(path, "1-99.log"));
    copyFileSync(join(other, merged), join(path, merged));
    expectRefused(path, "");
    writeFileSync(join(path, "1-99.log"), "");
    unlinkSync(join(path, merged));
    expectRefused(path, "1-99.log");
  });

  test("because LOCK claims more than there is, is refused", async () => {
    const path = await writeStore();
    const { writtenBytes } = readHint(path);
    changeHint(path, { writtenBytes: writtenBytes + 1 });
    expectRefused(path, "4.log");
    changeHint(path, { writtenBytes, syncedBytes: writtenBytes + 1, bootId: "cd".repeat(16) });
    expect(codeOf(() => contentOf(path))).not.toBe("none");
  });
});

describe("names that are not the store's", () => {
  test("are left alone, byte for byte", async () => {
    const path = await writeStore();
    const names = [
      "07.log",
      "7-7.log",
      "0.log",
      "1-.log",
      "-1.log",
      "1.LOG",
      "1e0.log",
      "7.log.bak",
      " 1.log",
      "1.log ",
      "x.tmp",
      "07.log.tmp",
      "NaN.log",
      "1-2-3.log",
      "9007199254740992.log",
      "9007199254740993.log",
      "note.txt",
      "2-1.log",
      "1.0.log",
      "+1.log",
    ];
    for (const name of names) writeFileSync(join(path, name), "not a log");
    mkdirSync(join(path, "8.log.d"));
    await expectWorks(path);
    for (const name of names) expect(readFileSync(join(path, name), "latin1")).toBe("not a log");
    expect(existsSync(join(path, "8.log.d"))).toBe(true);
  });

  for (const kind of ["FIFO", "symlink", "broken symlink", "directory", "empty file"] as const) {
    for (const name of ["5.log", "LOCK", "1.log"]) {
      test(`are not followed and do not hang: a ${kind} called ${name}`, async () => {
        const path = await writeStore();
        const target = join(temporaryDirectory(), "target");
        const file = join(path, name);
        if (kind !== "broken symlink")
          writeFileSync(target, readFileSync(join(path, name === "LOCK" ? "LOCK" : "1.log")));
        rmSync(file, { force: true });
        if (kind === "FIFO") Bun.spawnSync(["mkfifo", file]);
        else if (kind === "directory") mkdirSync(file);
        else if (kind === "empty file") writeFileSync(file, "");
        else symlinkSync(target, file);
        const before = kind === "broken symlink" ? undefined : readFileSync(target);
        const read = codeOf(() => contentOf(path));
        const written = codeOf(() => {
          using store = KvStore.openOn(fastDisk(), path);
          store.set("x", "1");
        });
        if (name === "LOCK" && kind === "empty file") {
          expect([read, written]).toEqual(["none", "none"]);
        } else {
          expect(["IO", "CORRUPT", ...(name === "LOCK" ? ["none"] : [])]).toContain(read);
          expect(["IO", "CORRUPT"]).toContain(written);
        }
        if (before === undefined) expect(existsSync(target)).toBe(false);
        else expect(readFileSync(target).equals(before)).toBe(true);
      });
    }
  }
});
