import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "bun";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { KvStore } from "../../src/index.ts";

/**
 * Real input: every Markdown file of Bun's own documentation goes through the
 * compiled binary and the library, and every byte must come back.
 */
const ROOT = resolve(import.meta.dir, "../..");
const KVS = resolve(ROOT, process.env["KVS_BINARY"] ?? "dist/kvs");
const DOCS = join(ROOT, "node_modules/bun-types/docs");

/** Spawning costs milliseconds a file: this many go through the binary one by one, the rest together. */
const SPAWNED = 200;

const paths = readdirSync(DOCS, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.mdx?$/.test(path))
  .toSorted();

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "kvs-docs-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("Bun's documentation is there, about 1,400 files", () => {
  expect(paths.length).toBeGreaterThan(1000);
});

describe.each(["binary", "json"] as const)("a %s store of Bun's documentation", (format) => {
  const expected = new Map<string, Buffer>();
  let store = "";

  beforeAll(() => {
    store = join(directory, format);
  });

  test("takes every file in, by set --file and by import", () => {
    for (const path of paths.slice(0, SPAWNED)) {
      kvs(["set", path, "--file", join(DOCS, path), "--durability", "os", "--format", format]);
    }
    const rest = paths.slice(SPAWNED);
    const lines = rest.map((path) =>
      JSON.stringify({ key: path, value: readFileSync(join(DOCS, path), "utf8") }),
    );
    const file = join(directory, `${format}.jsonl`);
    writeFileSync(file, lines.join("\n"));
    kvs(["import", file]);
    for (const path of paths) expected.set(path, readFileSync(join(DOCS, path)));
    compareAll();
  }, 60_000);

  test("gives every byte back through get", () => {
    for (const path of paths.slice(0, SPAWNED)) {
      expect(kvs(["get", path]).equals(expected.get(path) ?? Buffer.alloc(0))).toBe(true);
    }
  }, 60_000);

  test("keeps what is left when a third is removed and a third overwritten", () => {
    const third = Math.floor(paths.length / 3);
    const removed = paths.filter((_, index) => index % 3 === 0).slice(0, third);
    const overwritten = paths.filter((_, index) => index % 3 === 1).slice(0, third);
    for (const path of removed.slice(0, SPAWNED / 4)) kvs(["rm", path, "--durability", "os"]);
    using handle = KvStore.open(store);
    for (const path of removed.slice(SPAWNED / 4)) handle.remove(path);
    for (const path of removed) expected.delete(path);
    for (const path of overwritten) {
      const bytes = Buffer.from(new Uint8Array(expected.get(path) ?? []).toReversed());
      handle.set(path, bytes);
      expected.set(path, bytes);
    }
    handle.close();
    compareAll();
  }, 60_000);

  test("keeps every byte through a compaction and a new start", () => {
    const before = sizeOfLogs();
    kvs(["compact"]);
    expect(sizeOfLogs()).toBeLessThan(before);
    compareAll();
    expect(formats()).toEqual([format]);
    const listed = kvs(["list", "--keys", "-0"]).toString().split("\0").slice(0, -1);
    expect(listed).toEqual([...expected.keys()].toSorted());
  }, 60_000);

  function kvs(args: readonly string[]): Buffer {
    const result = spawnSync([KVS, ...args, "--dir", store], { stdout: "pipe", stderr: "pipe", env: {} });
    expect(`${result.exitCode} ${result.stderr.toString()}`).toStartWith("0 ");
    return result.stdout;
  }

  function compareAll(): void {
    using handle = KvStore.open(store, { readOnly: true });
    const found = new Map(
      handle.entries({ encoding: "bytes" }).map(([key, value]) => [Buffer.from(key).toString(), value]),
    );
    expect([...found.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
    for (const [path, bytes] of expected) expect(bytes.equals(found.get(path) ?? Buffer.alloc(0))).toBe(true);
  }

  function sizeOfLogs(): number {
    using handle = KvStore.open(store, { readOnly: true });
    return handle.stats().diskBytes;
  }

  function formats(): readonly string[] {
    using handle = KvStore.open(store, { readOnly: true });
    return [...new Set(handle.stats().generations.map((generation) => generation.format))];
  }
});
