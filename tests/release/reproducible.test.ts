import { expect, test } from "bun:test";
import { spawnSync } from "bun";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { temporaryDirectory } from "../support/temporary.ts";

const ROOT = resolve(import.meta.dirname, "../..");
// Copied, since what is reached through a link lies elsewhere, seen from the sources.
const DEPENDENCIES = Object.keys(manifest.dependencies).map((name) => `node_modules/${name}`);
const SOURCES = ["build.ts", "bunfig.toml", "package.json", "src", "tsconfig.json", ...DEPENDENCIES];

/** Copies the sources into a directory and builds there; the executable's bytes. */
function buildIn(directory: string): Buffer {
  mkdirSync(directory, { recursive: true });
  for (const name of SOURCES) cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  const { exitCode, stderr } = spawnSync([process.execPath, join(directory, "build.ts")], {
    cwd: "/",
    stdout: "ignore",
    stderr: "pipe",
  });
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  return readFileSync(join(directory, "dist/kvs"));
}

test("two builds in different directories give the same bytes, which name neither directory", () => {
  const directory = temporaryDirectory();
  const first = buildIn(join(directory, "first"));
  const second = buildIn(join(directory, "elsewhere/and/deeper"));
  expect(first.equals(second)).toBe(true);
  for (const path of [directory, ROOT]) expect(first.includes(path)).toBe(false);
  // A source map would bring the sources along, comments and all.
  expect(readFileSync(join(ROOT, "src/cli/run.ts"), "utf8")).toContain("Runs one command line. ");
  expect(first.includes("Runs one command line. ")).toBe(false);
}, 60_000);

test("an unknown argument is refused and builds nothing", () => {
  const { exitCode, stderr } = spawnSync([process.execPath, join(ROOT, "build.ts"), "--everything"], {
    stdout: "ignore",
    stderr: "pipe",
  });
  expect([exitCode, stderr.toString()]).toEqual([1, "Usage: bun build.ts [--release]\n"]);
});
