import { describe, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { KvStore, type LogFormat, restoreStore, verifyStore } from "../../src/index.ts";
import { codeOfAsync, errorOf } from "../support/damage.ts";
import { fastDisk, HookedDisk, systemError } from "../support/hooked-disk.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

/** A store with a merged log, sealed ones, expiries, bytes, and a tail. */
async function writeStore(format: LogFormat): Promise<string> {
  const path = newStorePath();
  using store = KvStore.open(path, { format, generationBytes: 300, autoCompact: false });
  for (let number = 0; number < 30; number += 1) store.set(`k${number}`, `value ${number}`);
  await store.compact();
  for (let number = 0; number < 20; number += 1) store.set(`k${number}`, "newer");
  store.set("bytes", Uint8Array.of(0xff, 0));
  store.set("expires", "x", { ttlMs: 1e9 });
  store.delete("k3");
  return path;
}

/** All that a store holds, to be compared. */
function contentOf(path: string): string[] {
  using store = KvStore.open(path, { readOnly: true });
  return Array.from(store.records(), ({ key, value, expiresAt }) =>
    [key, value]
      .map((bytes) => Buffer.from(bytes).toString("hex"))
      .concat(String(expiresAt))
      .join(" "),
  );
}

async function archiveOf(path: string): Promise<Buffer> {
  using store = KvStore.open(path);
  return Buffer.concat([...store.archive()]);
}

for (const format of ["binary", "json"] as const) {
  describe(`a backup of a ${format} store`, () => {
    test("is a store, and restores to one with the same content, from a directory and from a stream", async () => {
      const path = await writeStore(format);
      const [copy, fromCopy, fromStream] = [newStorePath(), newStorePath(), newStorePath()];
      {
        using store = KvStore.open(path);
        const { logs, bytes } = await store.backup(copy);
        expect(logs).toBe(readdirSync(copy).length);
        expect(bytes).toBe(readdirSync(copy).reduce((sum, name) => sum + statSync(join(copy, name)).size, 0));
      }
      expect(readdirSync(copy).every((name) => name.endsWith(".log"))).toBe(true);
      await restoreStore(copy, fromCopy);
      await restoreStore([await archiveOf(path)], fromStream);
      const content = contentOf(path);
      for (const each of [copy, fromCopy, fromStream]) {
        expect(contentOf(each)).toEqual(content);
        expect((await verifyStore(each)).damage).toEqual([]);
      }
      using store = KvStore.open(fromCopy);
      store.set("goes", "on");
      expect(contentOf(copy)).toEqual(content);
    });

    test("holds one moment, whatever is written, rotated and compacted meanwhile", async () => {
      const path = newStorePath();
      using store = KvStore.open(path, { format, generationBytes: 500 });
      for (let round = 1; round <= 15; round += 1) {
        // Two keys of one batch differ in no moment.
        const writing = (async () => {
          for (let step = 0; step < 20; step += 1) {
            const value = `${round}/${step}`;
            store.batch([
              { set: ["a", value] },
              { set: [`pad${step}`, "x".repeat(100)] },
              { set: ["b", value] },
            ]);
            await endTick();
          }
          if (round % 5 === 0) await store.compact();
        })();
        const copy = newStorePath();
        await Promise.all([store.backup(copy), writing]);
        using backup = KvStore.open(copy, { readOnly: true });
        expect(backup.get("a")).toBe(String(backup.get("b")));
      }
    });
  });
}

describe("a backup", () => {
  test("shares the disk with the store where it can", async () => {
    const path = await writeStore("binary");
    const copy = newStorePath();
    using store = KvStore.open(path);
    await store.backup(copy);
    for (const name of readdirSync(copy)) expect(statSync(join(copy, name)).nlink).toBe(2);
  });

  test("of a store that may only be read has what is written of its newest log", async () => {
    const path = await writeStore("binary");
    const copy = newStorePath();
    using store = KvStore.open(path, { readOnly: true });
    const before = readdirSync(path);
    await store.backup(copy);
    expect(readdirSync(path)).toEqual(before);
    expect(contentOf(copy)).toEqual(contentOf(path));
  });

  test("of a store that cannot be written to has what is written of its newest log", async () => {
    const path = await writeStore("binary");
    const copy = newStorePath();
    const disk = new HookedDisk(({ method, path: file }) =>
      method === "lock.write" && file.startsWith(path) ? { error: systemError("ENOSPC", file) } : undefined,
    );
    using store = KvStore.openOn(disk, path, { autoCompact: false });
    const before = readdirSync(path);
    await store.backup(copy);
    expect(readdirSync(path)).toEqual(before);
    expect(contentOf(copy)).toEqual(contentOf(path));
  });

  test("of a directory of the original puts nothing beside its logs", async () => {
    const path = newStorePath();
    mkdirSync(path);
    writeFileSync(join(path, "1.log"), '{"Set":{"key":"a","value":"1"}}');
    const copy = newStorePath();
    using store = KvStore.openOn(fastDisk(), path);
    await store.backup(copy);
    expect(readdirSync(path)).toEqual(["1.log"]);
    expect(contentOf(copy)).toEqual(contentOf(path));
  });

  test("goes into an absent or empty directory only, and leaves nothing where it fails", async () => {
    const path = await writeStore("binary");
    const full = newStorePath();
    mkdirSync(full);
    writeFileSync(join(full, "notes"), "");
    using store = KvStore.open(path);
    expect(await codeOfAsync(async () => store.backup(full))).toBe("IO");
    expect(readdirSync(full)).toEqual(["notes"]);
    const missing = join(newStorePath(), "deep", "er");
    expect(await codeOfAsync(async () => store.backup(missing))).toBe("IO");
    const target = newStorePath();
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    expect(store.backup(target, { signal: controller.signal })).rejects.toThrow("enough");
    expect(existsSync(target)).toBe(false);
  });
});

describe("an archive", () => {
  test.each(["binary", "json"] as const)(
    "of a %s store that was cut at any byte, or changed in any, is refused and leaves nothing",
    async (format) => {
      const path = newStorePath();
      {
        using store = KvStore.open(path, { format });
        store.set("k", "value");
      }
      const archive = await archiveOf(path);
      const wrong: string[] = [];
      // Behind the last member there are zeros, of which a copy may have more or fewer.
      for (let length = 0; length < archive.length; length += 41) {
        const target = newStorePath();
        const code = await codeOfAsync(async () => restoreStore([archive.subarray(0, length)], target));
        if (code !== "CORRUPT" || existsSync(target)) wrong.push(`cut at ${length}: ${code}`);
      }
      const content = contentOf(path);
      // In a JSON log itself nothing shows that a value was changed.
      const everywhere = Array.from({ length: archive.length / 29 }, (_, index) => index * 29);
      for (const at of [archive.lastIndexOf("value"), ...everywhere]) {
        const changed = Buffer.from(archive);
        changed[at] = (changed[at] ?? 0) ^ 1;
        const target = newStorePath();
        const code = await codeOfAsync(async () => restoreStore([changed], target));
        const isSame = code === "none" && Bun.deepEquals(contentOf(target), content);
        if (!isSame && code !== "CORRUPT") wrong.push(`changed at ${at}: ${code}`);
      }
      expect(wrong).toEqual([]);
    },
  );

  test("can come in pieces of any size, and from a stream", async () => {
    const path = await writeStore("binary");
    const archive = await archiveOf(path);
    for (const size of [1, 511, 512, 4097]) {
      const pieces = Array.from({ length: Math.ceil(archive.length / size) }, (_, at) =>
        archive.subarray(at * size, (at + 1) * size),
      );
      const target = newStorePath();
      await restoreStore(pieces, target);
      expect(contentOf(target)).toEqual(contentOf(path));
    }
    const target = newStorePath();
    await restoreStore(new Blob([archive]).stream(), target);
    expect(contentOf(target)).toEqual(contentOf(path));
  });
});

describe("a backup that cannot be made", () => {
  test("of a log that is cut off while it is copied says so, and leaves nothing", async () => {
    const path = newStorePath();
    const log = join(path, "1.log");
    {
      using store = KvStore.open(path, { autoCompact: false });
      store.set("k", "v");
    }
    // Read to its end as it is opened, and copied later; a map of it would not outlive the cut.
    using store = KvStore.open(path, { readOnly: true, mmap: false });
    const archive = store.archive();
    archive.next();
    truncateSync(log, 30);
    expect(errorOf(() => [...archive]).message).toBe(
      `Cannot read "${log}": the file was cut off at offset 30`,
    );
    const to = newStorePath();
    expect(await codeOfAsync(() => store.backup(to))).toBe("CORRUPT");
    expect(existsSync(to)).toBe(false);
  });

  test("leaves the store as it is, byte for byte", async () => {
    const path = await writeStore("binary");
    const occupied = newStorePath();
    mkdirSync(occupied);
    writeFileSync(join(occupied, "mine"), "");
    const filesOf = (): string[] =>
      readdirSync(path)
        .toSorted()
        .map((name) => `${name} ${readFileSync(join(path, name), "hex")}`);
    const before = filesOf();
    using store = KvStore.open(path, { autoCompact: false });
    for (const target of [path, occupied, join(occupied, "mine"), join(occupied, "absent/below")]) {
      expect(await codeOfAsync(async () => store.backup(target))).toBe("IO");
      expect(filesOf()).toEqual(before);
    }
    expect(readdirSync(occupied)).toEqual(["mine"]);
  });

  test("of a store that is held locked leaves no directory", async () => {
    const path = await writeStore("binary");
    const target = newStorePath();
    using holder = KvStore.open(path);
    using store = KvStore.open(path, { waitMs: 0 });
    let code: Promise<unknown> | undefined;
    holder.update("k1", () => {
      code = codeOfAsync(async () => store.backup(target));
      return undefined;
    });
    expect(await code).toBe("LOCKED");
    expect(existsSync(target)).toBe(false);
  });
});

describe("a restoration", () => {
  test("of a directory that holds no store, or a damaged one, is refused and leaves nothing", async () => {
    const target = newStorePath();
    expect(await codeOfAsync(async () => restoreStore(newStorePath(), target))).toBe("NO_STORE");
    const path = await writeStore("binary");
    const name = readdirSync(path).find((each) => each.endsWith(".log")) ?? "";
    const bytes = readFileSync(join(path, name));
    bytes[bytes.length >>> 1] = (bytes[bytes.length >>> 1] ?? 0) ^ 1;
    writeFileSync(join(path, name), bytes);
    expect(await codeOfAsync(async () => restoreStore(path, target))).toBe("CORRUPT");
    expect(existsSync(target)).toBe(false);
  });

  test("into a directory that is not empty is refused", async () => {
    const path = await writeStore("binary");
    expect(await codeOfAsync(async () => restoreStore(path, path))).toBe("IO");
    const linked = newStorePath();
    mkdirSync(linked);
    linkSync(join(path, "LOCK"), join(linked, "LOCK"));
    expect(await codeOfAsync(async () => restoreStore(path, linked))).toBe("IO");
  });
});
