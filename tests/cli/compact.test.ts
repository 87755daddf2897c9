import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { KvStore } from "../../src/index.ts";
import { KVS, Sandbox } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

const STORE = "kvs_logs";

/** Half of what is in it is stale. */
function fill(records: number): void {
  using store = KvStore.open(sandbox.path(STORE), { autoCompact: false, generationBytes: 1024 * 1024 });
  for (let index = 0; index < records; index += 1) store.set(`k${index % (records / 2)}`, "v".repeat(100));
}

/** Names and bytes of all files. */
function files(): Record<string, string> {
  const names = readdirSync(sandbox.path(STORE)).toSorted();
  const hash = (name: string): string =>
    Bun.hash(readFileSync(sandbox.path(`${STORE}/${name}`))).toString(16);
  return Object.fromEntries(names.map((name) => [name, hash(name)]));
}

test("--dry-run says what would be merged and about what is freed, and changes nothing", () => {
  fill(2000);
  const before = files();
  const { exitCode, stdout, stderr } = sandbox.kvs(["compact", "--dry-run"]);
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^Would merge 1\.log: [0-9.]+ KiB before, about [0-9.]+ KiB freed\n$/);
  expect(files()).toEqual(before);
  sandbox.bytes(["compact", "-q"]);
  expect(sandbox.bytes(["compact", "--dry-run"]).toString()).toBe("Would do nothing: the store is compact\n");
});

test("--dry-run of what is no store fails, and goes with no other flag", () => {
  expect(sandbox.kvs(["compact", "--dry-run"]).exitCode).toBe(3);
  expect(sandbox.kvs(["compact", "--dry-run", "--auto"]).exitCode).toBe(2);
  expect(sandbox.kvs(["compact", "--dry-run", "--format", "json"]).exitCode).toBe(2);
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s in the middle of a compaction leaves the store as it was",
  async (signal) => {
    fill(200_000);
    const before = files();
    const child = Bun.spawn([KVS, "--dir", sandbox.path(STORE), "compact"], { stderr: "pipe" });
    const isUnderWay = (): boolean =>
      readdirSync(sandbox.path(STORE)).some((name) => name.endsWith(".log.tmp"));
    while (child.exitCode === null && !isUnderWay()) await Bun.sleep(1);
    child.kill(signal);
    await child.exited;
    expect(child.signalCode).toBe(signal);
    const after = files();
    expect(Object.keys(after).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    // The newest log has got its seal; what was sealed before is there as it was.
    for (const [name, hash] of Object.entries(before)) {
      if (after[name.replace(/log$/, "idx")] === undefined || name === "LOCK") continue;
      expect([name, after[name]]).toEqual([name, hash]);
    }
    expect(sandbox.bytes(["count"]).toString()).toBe("100000\n");
    sandbox.bytes(["compact", "-q"]);
    expect(sandbox.bytes(["count"]).toString()).toBe("100000\n");
  },
);

test("a long compaction shows a bar at a terminal, and none when it is told to be quiet", async () => {
  fill(400_000);
  const shown = await sandbox.atTerminal(["compact", "--format", "json"]);
  expect(shown).toMatch(/Compacting [█░]+ \d+%/);
  expect(await sandbox.atTerminal(["compact", "-q", "--format", "binary"])).not.toContain("Compacting");
});

test("stats tell what compaction is due", () => {
  {
    using store = KvStore.open(sandbox.path(STORE), { autoCompact: false, generationBytes: 30_000 });
    for (let index = 0; index < 2000; index += 1) store.set(`k${index}`, "v".repeat(100));
  }
  const { compactionDue } = JSON.parse(sandbox.bytes(["stats", "--json"]).toString()) as {
    compactionDue: unknown;
  };
  expect(compactionDue).toEqual({ rule: "count", generations: 8 });
  expect(sandbox.bytes(["stats"]).toString()).toContain("due: 8 generations, many are of similar size");
  sandbox.bytes(["compact", "--auto"]);
  expect(JSON.parse(sandbox.bytes(["stats", "--json"]).toString())).toMatchObject({ compactionDue: null });
});
