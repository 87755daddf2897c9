import { expect, test } from "bun:test";
import { spawn } from "bun";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { withoutSeededBugs } from "../../src/release/without-seeded-bugs.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const KVS = resolve(import.meta.dir, "../..", process.env["KVS_BINARY"] ?? "dist/kvs");
const ENGINE = join(import.meta.dir, "../../src/engine");

test("the text that Workers are started from is what its sources give", async () => {
  const result = await Bun.build({
    entrypoints: [join(ENGINE, "background-worker.ts")],
    target: "bun",
    format: "esm",
    minify: { syntax: true, whitespace: true, identifiers: false },
    plugins: [withoutSeededBugs],
  });
  const text = await result.outputs[0]?.text();
  // A build writes it anew: `npm run build`.
  expect(text === readFileSync(join(ENGINE, "background-worker.txt"), "utf8")).toBe(true);
});

/** Priorities of a process's threads, as Linux shows them. */
function nicenessOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
    return Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[16]);
  });
}

test.skipIf(!existsSync("/proc/self/task"))(
  "the executable has a Worker, whose thread steps back",
  async () => {
    const cwd = temporaryDirectory();
    const env = { ...process.env, KVS_GENERATION_BYTES: "1000" };
    const shell = spawn([KVS, "shell"], { cwd, env, stdin: "pipe", stdout: "ignore" });
    let priorities: number[] = [];
    try {
      for (let turn = 0; turn < 1000 && !priorities.some((niceness) => niceness >= 5); turn += 1) {
        void shell.stdin.write(`set\tk${turn}\t${"v".repeat(300)}\n`);
        await shell.stdin.flush();
        await Bun.sleep(10);
        priorities = nicenessOf(shell.pid);
      }
    } finally {
      await shell.stdin.end();
      await shell.exited;
    }
    expect(priorities.filter((niceness) => niceness >= 5).length).toBeGreaterThan(0);
    expect(shell.exitCode).toBe(0);
  },
);
