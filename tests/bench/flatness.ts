/**
 * Times `kvs get` on stores of different sizes as whole processes, taking turns
 * one by one: a store of one key, large ones, a key that is missing, and a key
 * behind the longest tail that commands leave. What counts is the median of the
 * ratios to the store of one key, round by round.
 *
 * Usage: bun tests/bench/flatness.ts [ROUNDS] [KEYS...]
 */
import { spawnSync } from "bun";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { KvStore } from "../../src/index.ts";
import { fill, keyOf, untilQuiet } from "./scattered-store.ts";
import { median } from "./statistics.ts";

const WARM_UP_ROUNDS = 10;

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
  const commands: [string, readonly string[]][] = [["1 key", get(await filled("one", 1), keyOf(0))]];
  commands.push(["longest tail", get(leaveTail("tail"), keyOf(0))]);
  for (const size of sizes.length > 0 ? sizes : [1_000_000]) {
    const store = await filled(`s${size}`, size);
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

/** A store filled by one process, compacted as far as it does by itself. */
async function filled(name: string, keys: number): Promise<string> {
  const path = join(directory, name);
  await fill(path, keys);
  // What is due now is merged beside a program that has the store open.
  using _store = KvStore.open(path);
  await untilQuiet(path);
  return path;
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
