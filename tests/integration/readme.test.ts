import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "bun";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Every command and snippet of the README runs as pasted. */
const ROOT = resolve(import.meta.dir, "../..");
const KVS = resolve(ROOT, process.env["KVS_BINARY"] ?? "dist/kvs");
const readme = readFileSync(join(ROOT, "README.md"), "utf8");

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "kvs-readme-"));
  copyFileSync(join(ROOT, "README.md"), join(directory, "README.md"));
  symlinkSync(KVS, join(directory, "kvs"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The first fenced block of a language after a heading. */
function blockAfter(heading: string, language: string): string {
  const start = readme.indexOf(`\n${heading}\n`);
  const fence = `\`\`\`${language}\n`;
  const from = readme.indexOf(fence, start) + fence.length;
  expect(start).toBeGreaterThan(0);
  return readme.slice(from, readme.indexOf("```", from));
}

test("the tour runs as pasted and prints what its comments say", () => {
  const tour = blockAfter("## A tour", "sh");
  const result = spawnSync(["bash", "-euo", "pipefail", "-c", tour], {
    cwd: directory,
    env: { PATH: `${directory}:${process.env["PATH"] ?? ""}` },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(result.stdout.toString()).toBe("Hello, World!exit code 1\nnone--help1\n42\nnote\nnow\n7\n");
  expect(result.stderr.toString()).toMatch(/^kvs: Key not found\nkvs: Freed .*\n$/);
  expect(result.exitCode).toBe(0);
});

test("what follows finds kvs as the README says, right after the build", () => {
  const [, found = "false"] = /a script finds it after `([^`]+)`/.exec(readme) ?? [];
  const result = spawnSync(["bash", "-euc", `${found}; cd "${directory}"; type -P kvs`], {
    cwd: ROOT,
    env: { PATH: "/usr/bin:/bin" },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect([result.exitCode, result.stdout.toString()]).toEqual([0, `${join(ROOT, "dist/kvs")}\n`]);
});

test("a backup is made and restored as the README says", () => {
  const script = `kvs set k v\n${blockAfter("## What it promises", "sh")}kvs get k --dir ./restored`;
  const result = spawnSync(["bash", "-euo", "pipefail", "-c", script], {
    cwd: directory,
    env: { PATH: `${directory}:${process.env["PATH"] ?? ""}` },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect([result.exitCode, result.stdout.toString()]).toEqual([0, "v"]);
});

test("the tour has about 20 lines", () => {
  const lines = blockAfter("## A tour", "sh").trim().split("\n");
  expect(lines.length).toBeGreaterThanOrEqual(18);
  expect(lines.length).toBeLessThanOrEqual(22);
});

test("the library's example runs as pasted", () => {
  const snippet = blockAfter("## As a library", "ts").replace(
    '"kvs"',
    JSON.stringify(join(ROOT, "src/index.ts")),
  );
  writeFileSync(join(directory, "example.ts"), snippet);
  const result = spawnSync([process.execPath, "example.ts"], {
    cwd: directory,
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(`${result.stderr.toString()}${result.stdout.toString()}`).toBe("session abc\n");
  expect(result.exitCode).toBe(0);
});

test("the first command of the README is one that builds and runs kvs, the second runs the tests", () => {
  const [build, check] = readme.slice(readme.indexOf("```sh\n") + 6).split("\n");
  expect(build).toBe(
    'npm install && npm run build && dist/kvs set mykey "Hello, World!" && dist/kvs get mykey',
  );
  expect(check).toBe("npm install && npm test");
});
