import { spawnSync } from "bun";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { KvStore } from "../../src/index.ts";
import { KVS, Sandbox } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

/** Twice what a process may have in memory. */
const RECORDS = 25_000;
const VALUE_BYTES = 16 * 1024;

const MOST_RESIDENT_BYTES: number = 200 * 1024 * 1024;

/** Runs a command and prints how much it had resident; a process of its own, as Linux begins with what its parent has. */
const MEASURE = `
  const { exitCode, resourceUsage } = Bun.spawnSync(process.argv.slice(1), { stdout: "ignore", stderr: "inherit" });
  console.log(resourceUsage.maxRSS);
  process.exit(exitCode);
`;

/** The most memory that kvs had resident, maps of files included. */
function residentBytes(args: readonly string[]): number {
  const { exitCode, stdout, stderr } = spawnSync([process.execPath, "-e", MEASURE, KVS, ...args], {
    cwd: sandbox.directory,
    stdout: "pipe",
    stderr: "pipe",
  });
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  return Number(stdout.toString());
}

test("what passes through import and export takes no more memory than there is for it", async () => {
  {
    using store = KvStore.open(sandbox.path("store"), { autoCompact: false });
    for (let at = 0; at < RECORDS; at += 1) {
      // Neighbours in the order of the keys lie far apart in the logs.
      store.set(`k${(at * 7919) % RECORDS}`, `${at}`.padEnd(VALUE_BYTES, "v"));
      if (at % 1000 === 0) await Bun.sleep(0);
    }
  }
  expect(residentBytes(["export", "--dir", "store", "out"])).toBeLessThan(MOST_RESIDENT_BYTES);
  expect(residentBytes(["import", "--dir", "plain", "out"])).toBeLessThan(MOST_RESIDENT_BYTES);
  expect(residentBytes(["import", "--dir", "whole", "--atomic", "out"])).toBeLessThan(MOST_RESIDENT_BYTES);
  expect(sandbox.kvs(["count", "--dir", "whole"]).stdout).toBe(`${RECORDS}\n`);
}, 120_000);
