/**
 * Measures what a large store costs beside speed:
 *
 *     bun tests/bench/large.ts fill [KEYS]      rates of a fill, million by million, and the memory it takes
 *     bun tests/bench/large.ts heap [KEYS]      JavaScript's heap of a process that reads them all, and its memory
 *     bun tests/bench/large.ts space [KEYS]     size on the disk of a store that was overwritten twice
 *     bun tests/bench/large.ts pauses [RUNS]    the slowest writes while 1 GB is merged beside them
 *     bun tests/bench/large.ts commands [SETS]  files that so many `kvs set` leave, one after the other
 */
import { spawnSync } from "bun";
import { heapStats } from "bun:jsc";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { KvStore } from "../../src/index.ts";
import { byteRateText, mebibyteText } from "./format.ts";
import { KEY_BYTES } from "./keys.ts";
import { memoryInUse } from "./memory.ts";
import { fill, keyOf, nextTurn, sizeOf, untilQuiet, VALUE_BYTES } from "./scattered-store.ts";

const MILLION = 1_000_000;

const MEASUREMENTS: Readonly<Record<string, (path: string, count: number | undefined) => Promise<void>>> = {
  fill: measureFill,
  heap: measureHeap,
  space: measureSpace,
  pauses: measurePauses,
  commands: measureCommands,
};

const [name = "", count] = process.argv.slice(2);
const measurement = MEASUREMENTS[name];
if (measurement === undefined) {
  console.error(`Usage: bun tests/bench/large.ts ${Object.keys(MEASUREMENTS).join("|")} [COUNT]`);
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), "kvs-bench-"));
try {
  await measurement(join(directory, "store"), count === undefined ? undefined : Number(count));
} finally {
  rmSync(directory, { recursive: true });
}

async function measureFill(path: string, keys = 10 * MILLION): Promise<void> {
  const rates: number[] = [];
  let started = performance.now();
  await fill(path, keys, {}, (written) => {
    if (written % MILLION !== 0) return;
    rates.push((MILLION / (performance.now() - started)) * 1000);
    started = performance.now();
  });
  const lastToFirst = (rates.at(-1) ?? Number.NaN) / (rates[0] ?? Number.NaN);
  console.log(
    `million by million: ${rates.map((rate) => Math.round(rate / 1000)).join(" ")} thousand a second`,
  );
  console.log(`the last million at ${lastToFirst.toFixed(2)} of the first's rate`);
  console.log(`memory: at most ${mebibyteText(memoryInUse().peakBytes)} MiB resident`);
}

async function measureHeap(path: string, keys = 10 * MILLION): Promise<void> {
  // A process of its own: what the fill has left is none of the reader's.
  if (process.env["KVS_BENCH_STORE"] === undefined) {
    await fill(path, keys);
    await untilQuiet(path);
    const env = { ...process.env, KVS_BENCH_STORE: path };
    spawnSync([process.execPath, import.meta.path, "heap", String(keys)], {
      env,
      stdio: ["ignore", "inherit", "inherit"],
    });
    return;
  }
  using store = KvStore.open(process.env["KVS_BENCH_STORE"], { readOnly: true });
  let largest = 0;
  for (let read = 0; read < keys; read += 1) {
    if (store.get(keyOf((read * 104_729 + 7) % keys)) === undefined) throw new Error("A key is missing");
    if (read % (keys / 20) === 0) largest = Math.max(largest, ownHeap());
  }
  const { peakBytes, anonymousBytes, mappedBytes } = memoryInUse();
  console.log(`heap: at most ${mebibyteText(Math.max(largest, ownHeap()))} MiB beside the maps of files`);
  console.log(
    `resident: ${mebibyteText(anonymousBytes)} MiB of its own, ${mebibyteText(mappedBytes)} MiB mapped, at most ${mebibyteText(peakBytes)} MiB in all`,
  );
}

/** JavaScript's heap without what it only refers to: maps of files count there as well. */
function ownHeap(): number {
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize - extraMemorySize;
}

async function measureSpace(path: string, keys = MILLION): Promise<void> {
  for (let time = 0; time < 3; time += 1) await fill(path, keys);
  // What is due now is merged beside a program that has the store open.
  using store = KvStore.open(path);
  await untilQuiet(path);
  const live = keys * (KEY_BYTES + VALUE_BYTES);
  console.log(`by itself: ${(sizeOf(path) / live).toFixed(3)} times the live keys and values`);
  await store.compact();
  console.log(`after compact: ${(sizeOf(path) / live).toFixed(3)} times`);
}

async function measurePauses(path: string, runs = 5): Promise<void> {
  const keys = 2 * MILLION;
  for (let run = 1; run <= runs; run += 1) {
    const store = `${path}${run}`;
    // Four times the same keys: 1 GB, most of it stale.
    for (let time = 0; time < 4; time += 1) await fill(store, keys, { autoCompact: false });
    const before = sizeOf(store);
    const { times, seconds } = await writeWhileItShrinks(store, before);
    const sorted = times.toSorted();
    const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(2);
    console.log(
      `run ${run}: ${mebibyteText(before)} MiB merged in ${seconds.toFixed(1)} s (${byteRateText(before / (seconds * 1e9))}), ` +
        `${sorted.length} writes: p99 ${at(0.99)} ms, p99.9 ${at(0.999)} ms, slowest ${at(1)} ms`,
    );
    rmSync(store, { recursive: true });
  }
}

/** Times writes one by one until the merge that is due has been made. */
async function writeWhileItShrinks(
  path: string,
  before: number,
): Promise<{ times: Float64Array; seconds: number }> {
  using store = KvStore.open(path);
  const times: number[] = [];
  const started = performance.now();
  const value = "v".repeat(VALUE_BYTES);
  while (sizeOf(path) > before / 2) {
    for (let index = 0; index < 200; index += 1) {
      const begun = performance.now();
      store.set(`new${index}`, value);
      times.push(performance.now() - begun);
      await nextTurn();
    }
  }
  return { times: Float64Array.from(times), seconds: (performance.now() - started) / 1000 };
}

async function measureCommands(path: string, sets = 10_000): Promise<void> {
  const kvs = resolve(process.env["KVS_BINARY"] ?? "dist/kvs");
  let most = 0;
  for (let index = 0; index < sets; index += 1) {
    const { exitCode } = spawnSync([kvs, "set", "--dir", path, keyOf(index), "value"]);
    if (exitCode !== 0) throw new Error(`kvs set ended with ${exitCode}`);
    if (index % 100 === 0) most = Math.max(most, readdirSync(path).length);
  }
  await untilQuiet(path);
  console.log(`${sets} commands: at most ${most} files, ${readdirSync(path).length} in the end`);
}
