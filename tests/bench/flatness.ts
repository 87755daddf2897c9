/**
 * Times `kvs get` on stores of different sizes as whole processes, taking turns
 * one by one: a store of one key, large ones, a key that is missing, and a key
 * behind the longest tail that commands leave. What counts is the median of the
 * ratios to the store of one key, round by round.
 *
 * Usage: bun tests/bench/flatness.ts [ROUNDS] [KEYS...]
 */
import { spawnSync } from "bun";
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { KvStore } from "../../src/index.ts";

const WARM_UP_ROUNDS = 10;
const QUIET_MS = 4000;

/** What a handle leaves unsealed at most, in the smallest records there are. */
const LONGEST_TAIL_RECORDS: number = Math.floor((24 * 1024) / 21);

const [rounds = 200, ...sizes] = process.argv.slice(2).map(Number);
const directory = mkdtempSync(join(tmpdir(), "kvs-bench-"));
const kvs = join(directory, "kvs");

try {
  copyFileSync(resolve(process.env["KVS_BINARY"] ?? "dist/kvs"), kvs);
  await run();
} finally {
  rmSync(directory, { recursive: true });
}

async function run(): Promise<void> {
  const commands: [string, readonly string[]][] = [["1 key", get(await fill("one", 1), keyOf(0))]];
  commands.push(["longest tail", get(leaveTail("tail"), keyOf(0))]);
  for (const size of sizes.length > 0 ? sizes : [1_000_000]) {
    const store = await fill(`s${size}`, size);
    commands.push(
      [`${size} keys`, get(store, keyOf(size >>> 1))],
      [`${size} keys, a miss`, get(store, "none")],
    );
  }
  report(measure(commands));
}

function get(store: string, key: string): readonly string[] {
  return [kvs, "get", "--dir", store, "--default", "none", key];
}

function keyOf(index: number): string {
  return `key${String(index).padStart(12, "0")}`;
}

/** A store filled by one process, compacted as far as it does by itself. */
async function fill(name: string, keys: number): Promise<string> {
  const path = join(directory, name);
  {
    using store = KvStore.open(path);
    for (let index = 0; index < keys; index += 1) {
      // Scattered, so that no generation holds a range of the keys.
      store.set(keyOf((index * 7919 + 13) % keys), "v".repeat(100));
      if (index % 1000 === 999) await new Promise((resolved) => setImmediate(resolved));
    }
  }
  await untilQuiet(path);
  return path;
}

/** Waits until compaction has caught up: nothing is unfinished, and the files stay the same for a while. */
async function untilQuiet(path: string): Promise<void> {
  let before = "";
  for (;;) {
    const names = readdirSync(path).toSorted().join(" ");
    if (names === before && !names.includes(".tmp")) return;
    before = names;
    await Bun.sleep(QUIET_MS);
  }
}

/** The longest tail that single commands leave, of the smallest records. */
function leaveTail(name: string): string {
  const path = join(directory, name);
  {
    using store = KvStore.open(path, { durability: "os" });
    store.set(keyOf(0), "first");
    for (let records = 1; records < LONGEST_TAIL_RECORDS; records += 1) store.set("x", "");
  }
  return path;
}

function measure(commands: readonly [string, readonly string[]][]): ReadonlyMap<string, number[]> {
  const times = new Map<string, number[]>(commands.map(([name]) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    const first = (round + WARM_UP_ROUNDS) % commands.length;
    for (const [name, command] of [...commands.slice(first), ...commands.slice(0, first)]) {
      const started = Bun.nanoseconds();
      const { exitCode } = spawnSync([...command], { stdout: "ignore", stderr: "ignore" });
      if (exitCode !== 0) throw new Error(`"${command.join(" ")}" failed`);
      if (round >= 0) times.get(name)?.push((Bun.nanoseconds() - started) / 1e6);
    }
  }
  return times;
}

function report(times: ReadonlyMap<string, number[]>): void {
  const base = times.get("1 key") ?? [];
  for (const [name, own] of times) {
    const ratios = own.map((time, round) => time / (base[round] ?? Number.NaN));
    console.log(`${name.padEnd(24)} ${median(own).toFixed(2)} ms  ratio ${median(ratios).toFixed(3)}`);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >>> 1] ?? Number.NaN;
}
