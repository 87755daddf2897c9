import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { temporaryDirectory } from "../support/temporary.ts";
import type { Results } from "./report.ts";
import { GROUPS } from "./works.ts";

const MAIN = resolve(import.meta.dirname, "main.ts");
const KEYS = 500;
const ALL_WORKS = GROUPS.flatMap(({ works }) => works.map(({ name }) => name));

function bench(args: readonly string[]): { exitCode: number; stdout: string; stderr: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, MAIN, ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, TMPDIR: temporaryDirectory() },
  });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

test("every work is done by kvs, and by a Map as far as it can, round by round", () => {
  const output = join(temporaryDirectory(), "results");
  const sizes = ["--keys", String(KEYS), "--values", "16,100", "--rounds", "2", "--seconds", "1"];
  const ended = bench([...sizes, "--engines", "map,kvs", "--programs", "none", "--output", output]);
  expect([ended.exitCode, ended.stderr.includes("rror")]).toEqual([0, false]);
  const results = JSON.parse(readFileSync(join(output, "benchmarks/results.json"), "utf8")) as Results;

  for (const valueBytes of [16, 100]) {
    const own = results.measurements.filter((measurement) => measurement.valueBytes === valueBytes);
    for (const round of [0, 1]) {
      const ofKvs = own.filter((measurement) => measurement.engine === "kvs" && measurement.round === round);
      expect(ofKvs.map(({ work }) => work)).toEqual(ALL_WORKS);
      expect(ofKvs.every(({ nanoseconds, operations }) => nanoseconds > 0 && operations > 0)).toBe(true);
    }
    const fills = own.filter(({ work }) => work === "fill-random");
    expect(fills.map(({ engine, operations }) => [engine, operations])).toEqual([
      ["Map", KEYS],
      ["kvs", KEYS],
      ["kvs", KEYS],
      ["Map", KEYS],
    ]);
  }
  const get = results.summaries.find(({ work, engine }) => work === "get" && engine === "kvs");
  expect(get).toMatchObject({ rounds: 2, ratio: expect.any(Number), keys: KEYS, valueBytes: 16 });
  expect(get?.memory.heapBytes).toBeGreaterThan(0);

  const text = readFileSync(join(output, "benchmarks.md"), "utf8");
  expect(ended.stdout).toBe(`${text}\n`);
  expect(text).toContain("### 500 keys, values of 16 bytes\n");
  expect(text).toContain("| Get, hits | ");
  const charts = ["500-keys-100-bytes.svg", "500-keys-16-bytes.svg"];
  expect(readdirSync(join(output, "benchmarks")).toSorted()).toEqual([...charts, "results.json"]);
  for (const chart of charts) expect(text).toContain(`](benchmarks/${chart})`);
}, 60_000);

test("a selected work brings along the fill that it needs, and no other", () => {
  const output = temporaryDirectory();
  const selection = ["--works", "get-reopened", "--engines", "kvs", "--programs", "none"];
  const ended = bench(["--keys", "100", "--values", "16", "--rounds", "1", ...selection, "--output", output]);
  expect(ended.exitCode).toBe(0);
  const results = JSON.parse(readFileSync(join(output, "benchmarks/results.json"), "utf8")) as Results;
  expect(results.measurements.map(({ work }) => work)).toEqual(["fill-sorted", "open", "get-reopened"]);
}, 30_000);

test("commands are timed as whole processes, against a program that prints a line", () => {
  const output = temporaryDirectory();
  const selection = ["--works", "fill-sorted", "--engines", "map", "--programs", "kvs", "--runs", "2"];
  const ended = bench(["--keys", "100", "--values", "16", "--rounds", "1", ...selection, "--output", output]);
  expect([ended.exitCode, ended.stderr.includes("rror")]).toEqual([0, false]);
  const results = JSON.parse(readFileSync(join(output, "benchmarks/results.json"), "utf8")) as Results;
  expect(results.programs.map(({ act, keys, runs }) => [act, keys, runs])).toEqual([
    ["get", 1, 2],
    ["set", 1, 2],
    ["set-durable", 1, 2],
    ["get", 100, 2],
    ["set", 100, 2],
    ["set-durable", 100, 2],
  ]);
  expect(ended.stdout).toContain("| get; 100 keys | ");
}, 60_000);

test.each([
  [["--keys", "0"], 'Invalid --keys "0": expected a whole number above 0'],
  [["--engines", "map,rocks"], 'Invalid --engines "rocks": expected one of Map, kvs, lmdb, '],
  [["--works", "gett"], 'Invalid --works "gett": expected one of fill-random, get, '],
  [["--fast"], "Unknown option '--fast'"],
])("%j is refused, and nothing is measured", (args, message) => {
  const { exitCode, stdout, stderr } = bench(args);
  expect([exitCode, stdout]).toEqual([2, ""]);
  expect(stderr).toStartWith(message);
  expect(stderr).toContain("Usage: npm run bench");
});
