import { afterAll, beforeEach, expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KvsError, KvStore } from "../../src/index.ts";

/** What docs/format.md says of the files of a store, shown on stores that real handles wrote. */
const root = mkdtempSync(join(tmpdir(), "kvs-files-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let directory = "";
beforeEach(() => {
  directory = join(mkdtempSync(join(root, "s-")), "store");
});

test("two handles that append in turn both keep what they wrote", async () => {
  using one = KvStore.open(directory);
  using other = KvStore.open(directory);
  for (let turn = 0; turn < 5; turn += 1) {
    one.set(`one-${turn}`, "1");
    await Bun.sleep(0);
    other.set(`other-${turn}`, "1");
    await Bun.sleep(0);
  }
  expect([one.count(), other.count()]).toEqual([10, 10]);
});

test("a JSON log whose header is longer than a page, and the log hardly more, is read", async () => {
  const store = KvStore.open(directory, { format: "json", generationBytes: 1 });
  for (let generation = 1; generation <= 250; generation += 1) store.set("k", `${generation}`);
  await store.compact();
  store.close();
  using reader = KvStore.open(directory, { readOnly: true });
  expect(reader.get("k")).toBe("250");
});

test("what stands behind the newest log's seal is corruption, and no writer builds on it", () => {
  const store = KvStore.open(directory, { generationBytes: 1, durability: "sync" });
  store.set("k", "v");
  store.close();
  rmSync(join(directory, "2.log"));
  rmSync(join(directory, "LOCK"));
  appendFileSync(join(directory, "1.log"), "junk");
  expect(codeOf(() => KvStore.open(directory, { readOnly: true }).get("k"))).toBe("CORRUPT");
  expect(codeOf(() => KvStore.open(directory).set("k", "w"))).toBe("CORRUPT");
  expect(readdirSync(directory)).not.toContain("2.log");
});

test("logs are not removed as superseded by a log that is damaged", async () => {
  const store = KvStore.open(directory, { generationBytes: 1, durability: "sync" });
  store.set("one", "value-one");
  store.set("two", "value-two");
  store.close();
  for (const name of ["1.log", "2.log"]) copyFileSync(join(directory, name), `${directory}-${name}`);
  const compactor = KvStore.open(directory);
  await compactor.compact();
  compactor.close();
  for (const name of ["1.log", "2.log"]) copyFileSync(`${directory}-${name}`, join(directory, name));
  const merged = join(directory, "1-2.log");
  const bytes = readFileSync(merged);
  bytes.write("VALUE", bytes.indexOf("value-one"));
  writeFileSync(merged, bytes);

  using again = KvStore.open(directory);
  await again.compact().catch(() => undefined);
  expect(readdirSync(directory)).toContain("1.log");
  expect(readdirSync(directory)).toContain("2.log");
});

test("a log that is shorter than the magic is corruption", () => {
  KvStore.open(directory).close();
  writeFileSync(join(directory, "1.log"), Buffer.of(0x89, 0x4b));
  expect(codeOf(() => KvStore.open(directory, { readOnly: true }))).toBe("CORRUPT");
});

test("a log that is empty is corruption", () => {
  KvStore.open(directory).close();
  writeFileSync(join(directory, "1.log"), "");
  expect(codeOf(() => KvStore.open(directory, { readOnly: true }))).toBe("CORRUPT");
});

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof KvsError) return error.code;
    throw error;
  }
  return "no error";
}
