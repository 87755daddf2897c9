import { describe, expect, test } from "bun:test";
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runToEnd } from "../../src/engine/slices.ts";
import { verifyFiles } from "../../src/engine/verify.ts";
import { KvStore, logRecords, type LogFormat, type VerifyReport, verifyStore } from "../../src/index.ts";
import { codeOfAsync, errorOf } from "../support/damage.ts";
import { fastDisk, HookedDisk, systemError } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

/** A merged log, a sealed one, both with indexes, and the newest. */
async function writeStore(format: LogFormat = "binary"): Promise<string> {
  const path = newStorePath();
  // Nothing is made in the background on this disk, which would mend what is damaged here.
  using store = KvStore.openOn(fastDisk(), path, { format });
  for (let index = 0; index < 20; index += 1) store.set(`k${index}`, `value ${index}`);
  await store.compact();
  {
    using rotating = KvStore.openOn(fastDisk(), path, { generationBytes: 1 });
    rotating.set("sealed", "1");
  }
  store.set("newest", "2");
  return path;
}

describe("verify", () => {
  test.each(["binary", "json"] as const)(
    "finds nothing in a sound %s store, and changes nothing",
    async (format) => {
      const path = await writeStore(format);
      const before = readdirSync(path).map((name) => [name, statSync(join(path, name)).mtimeMs]);
      const { damage, logs, indexes, tornTails, strangers } = await verifyStore(path);
      expect({ damage, logs, indexes, tornTails, strangers }).toEqual({
        damage: [],
        logs: 3,
        indexes: 2,
        tornTails: [],
        strangers: [],
      });
      expect(readdirSync(path).map((name) => [name, statSync(join(path, name)).mtimeMs])).toEqual(before);
    },
  );

  test("finds a flipped bit anywhere in a log or an index, and names the file", async () => {
    const path = await writeStore();
    const missed: string[] = [];
    for (const name of readdirSync(path).filter((each) => /\.(log|idx)$/.test(each))) {
      const file = join(path, name);
      const bytes = readFileSync(file);
      const step = name.endsWith(".idx") ? 997 : 5;
      for (let bit = 0; bit < bytes.length * 8; bit += step) {
        const flipped = Buffer.from(bytes);
        flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        writeFileSync(file, flipped);
        const { damage } = await verifyStore(path);
        if (!damage.some((each) => each.file.endsWith(`/${name}`))) missed.push(`${name} bit ${bit}`);
      }
      writeFileSync(file, bytes);
    }
    expect(missed).toEqual([]);
    expect((await verifyStore(path)).damage).toEqual([]);
  });

  test("lists one record where its value looks like more records than are tried", async () => {
    const path = newStorePath();
    // Each word could be the length of a value of 64 KiB: trying every place takes more than is spent on that.
    const words = new Uint32Array(64 * 1024).fill(0x1_0000);
    {
      using store = KvStore.openOn(fastDisk(), path);
      store.batch([{ set: ["words", new Uint8Array(words.buffer)] }, { set: ["behind", "it"] }]);
    }
    const file = join(path, "1.log");
    const bytes = readFileSync(file);
    const [record = { offset: 0, bytes: 0 }] = [...logRecords(path)];
    const last = record.offset + record.bytes - 1;
    bytes[last] = (bytes[last] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const { damage } = await verifyStore(path);
    expect(damage.map((found) => [found.offset, found.bytes])).toEqual([[record.offset, record.bytes]]);
  });

  test("lists every damaged record of a log whose index is sound", async () => {
    const path = await writeStore();
    const file = join(path, "1-2.log");
    const bytes = readFileSync(file);
    for (const value of ["value 3", "value 11"]) bytes[bytes.indexOf(value)] = 0x58;
    writeFileSync(file, bytes);
    const { damage } = await verifyStore(path);
    expect(damage.length).toBeGreaterThanOrEqual(2);
    expect(new Set(damage.map((each) => each.file))).toEqual(new Set([file]));
  });

  test("reports a torn tail, which is no damage, and names that are not the store's", async () => {
    const path = await writeStore();
    const newest =
      readdirSync(path)
        .filter((name) => /^\d+\.log$/.test(name))
        .toSorted()
        .at(-1) ?? "";
    appendFileSync(join(path, newest), "torn");
    writeFileSync(join(path, "07.log"), "");
    writeFileSync(join(path, "notes.txt"), "");
    const { damage, tornTails, strangers } = await verifyStore(path);
    expect(tornTails.map(({ file, bytes }) => [file, bytes])).toEqual([[join(path, newest), 4]]);
    expect({ damage, strangers }).toEqual({
      damage: [],
      strangers: ["07.log", "notes.txt"],
    });
  });

  test("works on a store that does not open, and finds a log that is missing", async () => {
    const path = await writeStore();
    rmSync(join(path, "1-2.log"));
    const { damage, logs } = await verifyStore(path);
    expect(logs).toBe(2);
    expect(damage.map(({ file }) => file)).toContain(path);
    rmSync(path, { recursive: true });
    expect(await codeOfAsync(() => verifyStore(path))).toBe("NO_STORE");
  });

  test("says nothing of a record that somebody is just writing", () => {
    const path = newStorePath();
    {
      using store = KvStore.openOn(fastDisk(), path);
      store.set("k", "v");
    }
    const log = join(path, "1.log");
    appendFileSync(log, "half a rec");
    const whileNobodyWrites = runToEnd(verifyFiles(fastDisk(), path));
    expect(whileNobodyWrites.tornTails.map(({ bytes }) => bytes)).toEqual([10]);
    let isWritten = false;
    const write = (): void => {
      if (!isWritten) appendFileSync(log, "ord");
      isWritten = true;
    };
    const { damage, tornTails } = runToEnd(verifyFiles(fastDisk(), path, write));
    expect([isWritten, damage, tornTails]).toEqual([true, [], []]);
  });

  test("that cannot judge a store for want of a file is no verdict, unless damage was found already", async () => {
    const path = await writeStore();
    // The logs are opened once to be read through, and once more as a reader of the store does.
    const verify = (): VerifyReport => {
      let opened = 0;
      const disk = new HookedDisk(({ method, path: file }) => {
        if (method !== "openToRead" || !file.endsWith("/1-2.log")) return undefined;
        opened += 1;
        return opened > 1 ? { error: systemError("EMFILE", file) } : undefined;
      });
      return runToEnd(verifyFiles(disk, path));
    };
    expect(errorOf(verify).message).toContain("EMFILE");
    const log = join(path, "1-2.log");
    const bytes = readFileSync(log);
    bytes[bytes.indexOf("value 3")] = 0x58;
    writeFileSync(log, bytes);
    expect(verify().damage.map(({ file }) => file)).toEqual([log]);
  });

  test("finds nothing wrong while a handle writes, rotates and compacts", async () => {
    const path = newStorePath();
    using store = KvStore.open(path, { generationBytes: 2000 });
    for (let round = 0; round < 40; round += 1) {
      for (let index = 0; index < 50; index += 1) store.set(`k${index}`, `${round}`);
      const [{ damage }] = await Promise.all([
        verifyStore(path),
        round % 10 === 9 ? store.compact() : undefined,
      ]);
      expect(damage).toEqual([]);
    }
  });
});
