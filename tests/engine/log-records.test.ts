import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Disk, ReadableFile } from "../../src/disk/disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { type LoggedRecord, readRecords } from "../../src/engine/log-records.ts";
import { KvStore, logRecords, verifyStore } from "../../src/index.ts";
import { codeOf } from "../support/damage.ts";
import { fastDisk, systemError } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

/** A store of logs with one record of `same` in each. */
function twoLogs(): string {
  const path = newStorePath();
  using store = KvStore.openOn(fastDisk(), path, { generationBytes: 1, autoCompact: false });
  for (const value of ["first", "second"]) store.set("same", value);
  return path;
}

const stateOf = (record: LoggedRecord | undefined): string | undefined =>
  record !== undefined && "state" in record ? record.state : record?.damage;

test("what has become of a record is unknown where the newer one of its key is damaged", () => {
  const path = twoLogs();
  expect([...logRecords(path)].map(stateOf)).toEqual(["stale", "live"]);
  const bytes = readFileSync(join(path, "2.log"));
  bytes[bytes.indexOf("second")] = 0x7f;
  writeFileSync(join(path, "2.log"), bytes);
  const [first, second] = logRecords(path);
  expect(stateOf(first)).toBe("unknown");
  expect(second).toMatchObject({ log: "2.log", damage: expect.stringContaining("checksum") });
});

test("what has become of a record is not guessed where the newer one of its key cannot be read", () => {
  const path = twoLogs();
  const at = readFileSync(join(path, "2.log")).indexOf("same");
  const hurt = (file: ReadableFile): ReadableFile => ({
    ...file,
    map: () => undefined,
    read: (position, length) => {
      if (position > 0 && position <= at && at < position + length) throw systemError("EIO", file.path);
      return file.read(position, length);
    },
  });
  const disk: Disk = {
    ...realDisk,
    openToRead: (name) => {
      const file = realDisk.openToRead(name);
      return file !== undefined && name.endsWith("2.log") ? hurt(file) : file;
    },
  };
  expect(codeOf(() => [...readRecords(disk, path, 1)])).toBe("IO");
});

test("a log that nothing tells how to read is one damaged place", () => {
  const path = newStorePath();
  mkdirSync(path);
  writeFileSync(join(path, "1.log"), "?".repeat(100));
  expect([...logRecords(path)]).toEqual([
    { log: "1.log", offset: 0, bytes: 100, damage: "it does not start as a log does" },
  ]);
});

test("records are told behind megabytes of which nothing is to be read", async () => {
  const path = newStorePath();
  {
    using store = KvStore.openOn(fastDisk(), path);
    for (const [key, value] of [
      ["a", "1"],
      ["large", "x".repeat(3_000_000)],
      ["b", "2"],
    ] as const) {
      store.set(key, value);
    }
  }
  const bytes = readFileSync(join(path, "1.log"));
  // The head of its frame, and with it how long it is.
  const at = bytes.indexOf("large") - 20;
  bytes.fill(0, at, at + 8);
  writeFileSync(join(path, "1.log"), bytes);
  const found = [...logRecords(path)];
  expect(found.map((record) => ("command" in record ? record.command : record.bytes > 3_000_000))).toEqual([
    expect.stringContaining('"a"'),
    true,
    expect.stringContaining('"b"'),
  ]);
  expect((await verifyStore(path)).damage.map(({ offset }) => offset)).toContain(at);
});

test("a text batch of megabytes whose first line is damaged is one damaged place", () => {
  const path = newStorePath();
  {
    using store = KvStore.openOn(fastDisk(), path, { format: "json" });
    store.batch(["x", "y", "z"].map((key) => ({ set: [key, key.repeat(700_000)] }) as const));
    store.set("b", "2");
  }
  const log = join(path, "1.log");
  const bytes = readFileSync(log);
  bytes[bytes.indexOf('"x"') - 3] = 0;
  writeFileSync(log, bytes);
  const [damage, behind, ...more] = logRecords(path);
  expect(damage).toMatchObject({ log: "1.log", damage: expect.any(String) });
  expect(damage?.bytes).toBeGreaterThan(2_100_000);
  expect(behind).toMatchObject({ command: expect.stringContaining('"b"') });
  expect(more).toEqual([]);
});
