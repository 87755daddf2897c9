import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { resolveOptions } from "../../src/engine/options.ts";
import { Sandbox } from "../cli/run-kvs.ts";

const ROOT = join(import.meta.dir, "../..");
const DOCUMENT = readFileSync(join(ROOT, "docs/options.md"), "utf8");
const ROWS = DOCUMENT.split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split("|").map((cell) => cell.trim()));
const sources = ["settings.ts", "tuning.ts", "global-flags.ts"].map((name) =>
  readFileSync(join(ROOT, "src/cli", name), "utf8"),
);

test("the table of options names each of them, with its default", () => {
  const defaults = resolveOptions({});
  const named = Object.fromEntries(
    ROWS.map(([, option = "", , , value = ""]) => [
      option.replaceAll("`", ""),
      value.split(";")[0]?.replaceAll("`", ""),
    ]),
  );
  expect(named).toEqual(
    Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, String(value)])),
  );
});

test("each flag and variable in the table is one", () => {
  for (const [, , flag = "", variable = ""] of ROWS) {
    const flagName = /^`--([a-z-]+)`$/.exec(flag)?.[1];
    if (flagName === undefined) expect(flag).toMatch(/^\([12]\)$/);
    else expect(sources.join("")).toContain(flagName);
    const variableName = /^`(KVS_[A-Z_]+)`$/.exec(variable)?.[1];
    if (variableName === undefined) expect(variable).toBe("(2)");
    else expect(sources.join("")).toContain(`"${variableName}"`);
  }
});

const BAD: readonly [variable: string, value: string][] = [
  ["KVS_COMPACTION_THRESHOLD", "lots"],
  ["KVS_COMPACTION_THRESHOLD", "-1"],
  ["KVS_COMPACTION_RATIO", "half"],
  ["KVS_GENERATION_BYTES", "1.5MiB"],
  ["KVS_GENERATION_BYTES", "0"],
  ["KVS_BLOOM_BITS", "65"],
  ["KVS_CACHE_BYTES", "64MB"],
  ["KVS_MMAP", "yes"],
  ["KVS_AUTO_COMPACT", "0"],
];

test.each(BAD)("%s=%s is refused with exit code 2, and nothing is stored", (variable, value) => {
  using sandbox = new Sandbox();
  const { exitCode, stdout, stderr } = sandbox.kvs(["set", "k", "v"], { env: { [variable]: value } });
  expect([exitCode, stdout]).toEqual([2, ""]);
  expect(stderr).toStartWith("kvs: ");
  expect(sandbox.kvs(["exists", "k"]).exitCode).toBe(1);
});

test("the variables take effect", () => {
  using sandbox = new Sandbox();
  const env = {
    KVS_GENERATION_BYTES: "1KiB",
    KVS_AUTO_COMPACT: "off",
    KVS_BLOOM_BITS: "0",
    KVS_MMAP: "off",
    KVS_CACHE_BYTES: "1MiB",
    KVS_COMPACTION_RATIO: "0.1",
    KVS_COMPACTION_THRESHOLD: "10",
  };
  const lines = Array.from({ length: 100 }, (_, index) => `k${index % 10}\t${"v".repeat(100)}`);
  sandbox.bytes(["import", "--as", "tsv"], { stdin: lines.join("\n"), env });
  const { generations } = JSON.parse(sandbox.bytes(["stats", "--json"]).toString()) as {
    generations: unknown[];
  };
  expect(generations.length).toBeGreaterThan(5);
});
