import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { COMPACT_NAME } from "../../src/disk/file-names.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { maintainStore } from "../../src/engine/maintain-store.ts";
import { resolveOptions } from "../../src/engine/options.ts";
import {
  CHECKSUMS_NAME,
  encodeChecksums,
  encodeMember,
  END_OF_ARCHIVE,
  paddingAfter,
} from "../../src/format/archive.ts";
import { KvStore, logRecords, restoreStore, verifyStore } from "../../src/index.ts";
import { codeOf, codeOfAsync, contentOf, errorOf, logsOf } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

/** Logs of one record each. */
function unmerged(): string {
  const path = newStorePath();
  using store = KvStore.openOn(fastDisk(), path, { generationBytes: 1, autoCompact: false });
  for (const key of ["a", "b", "c"]) store.set(key, key);
  return path;
}

/** The same store merged, and the name of the log that stands for the others. */
async function mergedCopy(path: string): Promise<{ path: string; name: string }> {
  const copy = newStorePath();
  cpSync(path, copy, { recursive: true });
  using store = KvStore.openOn(fastDisk(), copy);
  await store.compact();
  return { path: copy, name: logsOf(copy).find((name) => name.includes("-")) ?? "" };
}

async function* bytesOf(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

describe("a log that claims to stand for others", () => {
  test("swallows none if it breaks off", async () => {
    const path = unmerged();
    const { path: copy, name } = await mergedCopy(path);
    copyFileSync(join(copy, name), join(path, name));
    truncateSync(join(path, name), readFileSync(join(path, name)).length - 4);
    expect(errorOf(() => contentOf(path)).message).toContain("breaks off before its seal");
  });

  test("swallows none of another store", async () => {
    const path = unmerged();
    const { path: copy, name } = await mergedCopy(unmerged());
    copyFileSync(join(copy, name), join(path, name));
    expect(errorOf(() => contentOf(path)).code).toBe("CORRUPT");
  });
});

test("a log behind which there is no number is read, and not written behind", () => {
  const path = newStorePath();
  mkdirSync(path);
  writeFileSync(join(path, `${Number.MAX_SAFE_INTEGER}.log`), '{"Set":{"key":"a","value":"1"}}');
  using store = KvStore.openOn(fastDisk(), path);
  expect(errorOf(() => store.set("b", "2")).message).toEndWith("there is no higher number");
  expect([...store.entries()]).toEqual([["a", "1"]]);
  expect(logsOf(path)).toEqual([`${Number.MAX_SAFE_INTEGER}.log`]);
});

describe("maintenance", () => {
  test("of logs that cannot be merged is not tried again until they change", () => {
    const path = newStorePath();
    {
      using store = KvStore.openOn(fastDisk(), path, { generationBytes: 1, autoCompact: false });
      for (let number = 0; number < 4; number += 1) store.set("same", `${number}`.repeat(100));
    }
    const maintain = (autoCompact: boolean): void =>
      maintainStore(realDisk, path, { ...resolveOptions({ compactionThreshold: 0 }), autoCompact });
    maintain(false);
    const log = join(path, "1.log");
    const bytes = readFileSync(log);
    const at = bytes.indexOf("000");
    bytes[at] = 0x31;
    writeFileSync(log, bytes);
    const before = logsOf(path);
    maintain(true);
    const note = statSync(join(path, COMPACT_NAME), { bigint: true }).mtimeNs;
    expect(readFileSync(join(path, COMPACT_NAME), "latin1")).toStartWith("not mergeable");
    maintain(true);
    expect(statSync(join(path, COMPACT_NAME), { bigint: true }).mtimeNs).toBe(note);
    expect(logsOf(path)).toEqual(before);
  });

  test("asked for waits for another one no longer than it may", async () => {
    const path = unmerged();
    using store = KvStore.openOn(fastDisk(), path, { waitMs: 5 });
    const lock = realDisk.openLock(join(path, COMPACT_NAME), { create: true });
    expect(lock?.tryLock()).toBe(true);
    expect(await codeOfAsync(() => store.compact())).toBe("LOCKED");
    lock?.close();
    await store.compact();
    expect(contentOf(path).length).toBe(3);
  });
});

describe("a backup", () => {
  test("of logs of the original could not be restored, its newest log being empty; now it can, and they stay as they are", async () => {
    const path = newStorePath();
    mkdirSync(path);
    writeFileSync(
      join(path, "3.log"),
      '{"Set":{"key":"a","value":"1"}}{"Set":{"key":"b","value":"2"}}{"Set":{"ke',
    );
    const to = newStorePath();
    {
      using store = KvStore.open(path, { readOnly: true });
      await store.backup(to);
    }
    expect(logsOf(path)).toEqual(["3.log"]);
    expect(contentOf(to)).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]);
    expect((await verifyStore(to)).damage).toEqual([]);
    for (const from of [path, to]) {
      const restored = newStorePath();
      await restoreStore(from, restored);
      expect(contentOf(restored)).toEqual(contentOf(to));
    }
  });

  test("of a directory without logs cannot be made, nor restored from", async () => {
    const path = newStorePath();
    mkdirSync(path);
    expect(await codeOfAsync(() => restoreStore(path, newStorePath()))).toBe("NO_STORE");
    expect(await codeOfAsync(() => restoreStore(join(path, "none"), newStorePath()))).toBe("NO_STORE");
    using store = KvStore.open(path, { readOnly: true });
    expect(await codeOfAsync(() => store.backup(newStorePath()))).toBe("NO_STORE");
    expect(codeOf(() => [...logRecords(path, { generation: 1 })])).not.toBe("none");
  });

  test("that is no archive of logs is refused", async () => {
    const checksums = (bytes: number): Buffer => encodeMember({ name: CHECKSUMS_NAME, bytes, modified: 0 });
    const refused = async (...parts: readonly Uint8Array[]): Promise<string> =>
      await codeOfAsync(() => restoreStore(bytesOf(...parts), newStorePath()));
    expect(await refused(END_OF_ARCHIVE)).toBe("CORRUPT");
    expect(await refused(checksums(0), END_OF_ARCHIVE)).toBe("CORRUPT");
    expect(await refused(checksums(1e9), END_OF_ARCHIVE)).toBe("CORRUPT");
    expect(await refused()).toBe("CORRUPT");
    expect(await refused(encodeMember({ name: "other", bytes: 0, modified: 0 }))).toBe("CORRUPT");
  });

  test("with a log that breaks off before a newer one is refused", async () => {
    const path = newStorePath();
    {
      using store = KvStore.openOn(fastDisk(), path);
      store.set("a", "1");
    }
    const unsealed = readFileSync(join(path, "1.log"));
    {
      using store = KvStore.openOn(fastDisk(), path, { generationBytes: 1 });
      store.set("b", "2");
    }
    const logs = [unsealed, readFileSync(join(path, "2.log"))];
    const names = logs.map((_, index) => `${index + 1}.log`);
    const sha256 = (bytes: Buffer): string => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    const sums = encodeChecksums(
      logs.map((bytes, index) => ({ name: names[index] ?? "", sha256: sha256(bytes) })),
    );
    const members = [
      ...logs.map((bytes, index) => ({ name: names[index] ?? "", bytes })),
      { name: CHECKSUMS_NAME, bytes: sums },
    ];
    const parts = members.flatMap(({ name, bytes }) => [
      encodeMember({ name, bytes: bytes.length, modified: 0 }),
      bytes,
      paddingAfter(bytes.length),
    ]);
    const restoring = restoreStore(bytesOf(...parts, END_OF_ARCHIVE), newStorePath());
    expect(await restoring.catch((error: unknown) => String(error))).toContain("breaks off before its seal");
  });

  test("is copied where files can have no second name", async () => {
    const path = unmerged();
    const to = newStorePath();
    mkdirSync(to);
    using store = KvStore.openOn({ ...realDisk, link: () => false }, path);
    await store.backup(to);
    expect(contentOf(to)).toEqual(contentOf(path));
  });

  test("whose source fails as it is let go of is refused for its own reason", async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.alloc(1024, "x");
        yield Buffer.alloc(1024);
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- what a socket may do
        throw new Error("the connection was reset");
      }
    }
    expect(await codeOfAsync(() => restoreStore(source(), newStorePath()))).toBe("CORRUPT");
  });

  test("whose bytes do not come any more can be given up", async () => {
    const never = new ReadableStream<Uint8Array>();
    const to = newStorePath();
    const restoring = restoreStore(never, to, { signal: AbortSignal.timeout(5) });
    expect(await restoring.catch((error: unknown) => (error as Error).name)).toBe("TimeoutError");
    expect(realDisk.list(to) ?? []).toEqual([]);
  });
});

test("more places than are listed are counted", async () => {
  const path = newStorePath();
  {
    using store = KvStore.openOn(fastDisk(), path);
    for (let number = 0; number < 3000; number += 1)
      store.set(`k${number}`, number % 2 === 0 ? "sound" : "sick!");
  }
  const log = join(path, "1.log");
  const bytes = readFileSync(log);
  for (let at = bytes.indexOf("sick!"); at >= 0; at = bytes.indexOf("sick!", at + 1)) bytes[at] = 0x7f;
  writeFileSync(log, bytes);
  const { damage, damageCount, records } = await verifyStore(path);
  expect([damage.length, damageCount, records]).toEqual([1000, 1500, 1500]);
});
