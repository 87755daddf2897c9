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

/** Bursts of writes that go on while this thread itself is at the indexes and merges. */
const WITHOUT_WORKERS = `
import { readdirSync } from "node:fs";
import { KvStore } from ${JSON.stringify(LIBRARY)};
globalThis.Worker = class {
  constructor() {
    throw new Error("There are no Workers here");
  }
};
const store = KvStore.open("./data", { generationBytes: 1000 });
for (let number = 0; number < 400; number += 1) {
  store.set("k" + number, "v".repeat(300));
  if (number % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
}
const unindexed = () => {
  const names = readdirSync("./data");
  return names.filter((name) => name.endsWith(".log") && !names.includes(name.replace(/log$/, "idx")));
};
for (let turn = 0; turn < 500 && (unindexed().length > 1 || store.stats().generations.length > 10); turn += 1)
  await Bun.sleep(10);
console.log(store.count(), unindexed().length, store.stats().generations.length <= 10);
store.close();
`;

test.each([
  ["a Worker that ends keeps nobody waiting, and another is started", PROGRAM, "50 true true\n"],
  [
    "where there are no Workers, the thread that writes makes indexes and merges itself",
    WITHOUT_WORKERS,
    "400 1 true\n",
  ],
])("%s", (_, program, printed) => {
  const directory = mkdtempSync(join(tmpdir(), "kvs-background-"));
  try {
    writeFileSync(join(directory, "program.ts"), program);
    const { exitCode, stdout, stderr } = spawnSync([process.execPath, "program.ts"], { cwd: directory });
    expect([exitCode, stdout.toString(), stderr.toString()]).toEqual([0, printed, ""]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
