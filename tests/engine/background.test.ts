import { expect, test } from "bun:test";
import { spawnSync } from "bun";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const LIBRARY = resolve(import.meta.dir, "../../src/index.ts");

/** Every Worker ends as soon as it has started. */
const PROGRAM = `
import { KvStore } from ${JSON.stringify(LIBRARY)};
const RealWorker = globalThis.Worker;
const script = URL.createObjectURL(new Blob(["process.exit(1)"], { type: "application/javascript" }));
let started = 0;
globalThis.Worker = class extends RealWorker {
  constructor(_, options) {
    super(script, options);
    started += 1;
  }
};
const store = KvStore.open("./data", { generationBytes: 300 });
const fill = async () => {
  for (let number = 0; number < 50; number += 1) {
    store.set("k" + number, "v".repeat(50));
    await new Promise((resolve) => setImmediate(resolve));
  }
};
await fill();
await store.compact();
await fill();
const { generationsMerged } = await store.compact();
console.log(store.count(), generationsMerged > 1, started > 1);
store.close();
`;

test("a Worker that ends keeps nobody waiting, and another is started", () => {
  const directory = mkdtempSync(join(tmpdir(), "kvs-background-"));
  try {
    writeFileSync(join(directory, "program.ts"), PROGRAM);
    const { exitCode, stdout, stderr } = spawnSync([process.execPath, "program.ts"], { cwd: directory });
    expect([exitCode, stdout.toString(), stderr.toString()]).toEqual([0, "50 true true\n", ""]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
