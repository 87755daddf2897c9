import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { KvStore } from "../../src/index.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** Every example of `docs/library.md` runs, and the document leaves nothing out. */
const ROOT = resolve(import.meta.dirname, "../..");
const document = readFileSync(join(ROOT, "docs/library.md"), "utf8");
const [opening = "", ...examples] = Array.from(
  document.matchAll(/^```ts\n(.*?)^```$/gms),
  ([, code = ""]) => code,
);

function source(path: string): string {
  return readFileSync(join(ROOT, "src", path), "utf8");
}

/** Names that a pattern finds in the sources. */
function namesIn(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), ([, name = ""]) => name);
}

test("there is an example in every part that can have one", () => {
  expect(opening).toContain('from "kvs"');
  expect(examples.length).toBeGreaterThanOrEqual(10);
});

test.each(examples.map((code, index) => [index + 1, code] as const))(
  "example %i prints what it says",
  (_, code) => {
    const directory = temporaryDirectory();
    const program = `${opening}${code}`.replaceAll('"kvs"', JSON.stringify(join(ROOT, "src/index.ts")));
    writeFileSync(join(directory, "example.ts"), program);
    const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, "example.ts"], {
      cwd: directory,
      stdout: "pipe",
      stderr: "pipe",
    });
    const expected = namesIn(code, /console\.log\(.*\);? \/\/ (.*)$/gm);
    expect(code.match(/console\.log/g)).toHaveLength(expected.length);
    expect([stderr.toString(), stdout.toString()]).toEqual([
      "",
      expected.map((line) => `${line}\n`).join(""),
    ]);
    expect(exitCode).toBe(0);
  },
);

describe("the document names", () => {
  function expectNamed(names: readonly string[]): void {
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(document))).toEqual([]);
  }

  test("every export", () => {
    const names = namesIn(source("index.ts").replaceAll(/ from .*/g, ""), /\b(\w+)\b/g);
    expectNamed(names.filter((name) => name !== "export" && name !== "type"));
  });

  test("every method", () => {
    const internal = namesIn(source("engine/store.ts"), /@internal \*\/\n {2}(?:static |get )*(\w+)/g);
    const all = Object.getOwnPropertyNames(KvStore.prototype);
    expectNamed(all.filter((name) => name !== "constructor" && !internal.includes(name)));
  });

  test("every option, and every figure of stats", () => {
    expectNamed(
      ["options.ts", "stats.ts", "compaction.ts"].flatMap((name) => fieldsIn(source(`engine/${name}`))),
    );
  });

  test("every error code", () => {
    expectNamed(namesIn(source("format/errors.ts"), /^ {2}\| "(\w+)"/gm));
  });
});

/** The fields of the interfaces that users see. */
function fieldsIn(text: string): string[] {
  const interfaces = text.matchAll(/^export interface \w+(?:Options|Stats|Result)\b.*?^\}/gms);
  return Array.from(interfaces, ([body]) => namesIn(body, /^ {2}readonly (\w+)/gm)).flat();
}
