import { expect, test } from "bun:test";
import { spawnSync } from "bun";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const LIBRARY = resolve(import.meta.dir, "../../src/index.ts");

const PROGRAM = `
import { readdirSync } from "node:fs";
import { KvStore } from ${JSON.stringify(LIBRARY)};
const store = KvStore.open("./data", { generationBytes: 200_000 });
for (let index = 0; index < 20_000; index += 1) {
  store.set("k" + (index % 5_000), "v".repeat(100) + index);
  if (index % 500 === 499) await new Promise((done) => setImmediate(done));
}
const isMerged = () => readdirSync("./data").some((name) => /^1-[0-9]+\\.idx$/.test(name));
while (!isMerged()) await Bun.sleep(20);
if (store.get("k7")?.length === undefined) throw new Error("A key is missing");
store.close();
console.log("filled");
`;

test("somebody else's compiled program opens, fills and compacts a store in the background", () => {
  const directory = mkdtempSync(join(tmpdir(), "kvs-foreign-"));
  try {
    writeFileSync(join(directory, "program.ts"), PROGRAM);
    const outfile = join(directory, "program");
    const built = spawnSync([process.execPath, "build", "--compile", "program.ts", "--outfile", outfile], {
      cwd: directory,
    });
    expect(built.stderr.toString()).not.toContain("error");
    const place = join(directory, "elsewhere");
    mkdirSync(place);
    const { exitCode, stdout, stderr } = spawnSync([outfile], { cwd: place });
    expect([exitCode, stdout.toString(), stderr.toString()]).toEqual([0, "filled\n", ""]);
    const names = readdirSync(join(place, "data"));
    const logs = names.filter((name) => name.endsWith(".log"));
    const unindexed = logs.filter((name) => !names.includes(name.replace(/log$/, "idx")));
    expect(unindexed.length).toBe(1);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** Never lets the event loop go on: what is done meanwhile, another thread does. */
const BUSY_PROGRAM = `
import { existsSync } from "node:fs";
import { KvStore } from ${JSON.stringify(LIBRARY)};
const store = KvStore.open("./data", { generationBytes: 3_000_000 });
for (let index = 0; !existsSync("./data/2.log"); index += 1) store.set("k" + index, "v".repeat(60));
for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
const end = Date.now() + 30_000;
while (!existsSync("./data/1.idx") && Date.now() < end) Bun.sleepSync(5);
console.log(existsSync("./data/1.idx") ? "indexed" : "waited in vain");
store.close();
`;

for (const kind of ["may", "may not"]) {
  test(`a compiled program that ${kind} run code made of strings has its indexes made by another thread`, () => {
    const directory = mkdtempSync(join(tmpdir(), "kvs-foreign-"));
    try {
      writeFileSync(join(directory, "program.ts"), BUSY_PROGRAM);
      const outfile = join(directory, "program");
      const strict =
        kind === "may" ? [] : ["--compile-exec-argv=--disallow-code-generation-from-strings=strict"];
      const command = [process.execPath, "build", "--compile", ...strict, "program.ts", "--outfile", outfile];
      expect(spawnSync(command, { cwd: directory }).exitCode).toBe(0);
      const { exitCode, stdout, stderr } = spawnSync([outfile], { cwd: directory });
      expect([exitCode, stdout.toString(), stderr.toString()]).toEqual([0, "indexed\n", ""]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}
