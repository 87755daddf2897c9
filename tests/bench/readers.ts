/**
 * Measures how many lookups a second one and two threads of one process reach on
 * one store, by turns: a round each, and the median of the rounds' ratios.
 *
 * Usage: bun tests/bench/readers.ts [ROUNDS] [KEYS]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KvStore } from "../../src/index.ts";
import { fill, keyOf } from "./scattered-store.ts";
import { median } from "./statistics.ts";

const LOOKUPS = 500_000;
const THREADS = [1, 2] as const;

interface Task {
  readonly directory: string;
  readonly keys: number;
  readonly lookups: number;
}

if (Bun.isMainThread) await measure();
else addEventListener("message", ({ data }: MessageEvent<Task>) => answer(data));

async function measure(): Promise<void> {
  const [rounds = 9, keys = 1_000_000] = process.argv.slice(2).map(Number);
  const directory = mkdtempSync(join(tmpdir(), "kvs-bench-"));
  const workers = THREADS.map(() => new Worker(import.meta.url));
  try {
    await fill(directory, keys);
    await compact(directory);
    const task = { directory, keys, lookups: LOOKUPS };
    // Once for the maps and the compiler.
    await rate(workers, task);
    const rates: number[][] = THREADS.map(() => []);
    for (let round = 0; round < rounds; round += 1) {
      for (const threads of THREADS) rates[threads - 1]?.push(await rate(workers.slice(0, threads), task));
    }
    const [one = [], two = []] = rates;
    for (const [threads, own] of [one, two].entries()) {
      console.log(`${threads + 1} reading: ${Math.round(median(own)).toLocaleString("en")} lookups a second`);
    }
    console.log(`ratio ${median(two.map((each, round) => each / (one[round] ?? 1))).toFixed(2)}`);
  } finally {
    for (const worker of workers) worker.terminate();
    rmSync(directory, { recursive: true });
  }
}

async function compact(directory: string): Promise<void> {
  using store = KvStore.open(directory);
  await store.compact();
}

/** Lookups a second of all threads together. */
async function rate(workers: readonly Worker[], task: Task): Promise<number> {
  const started = Bun.nanoseconds();
  await Promise.all(workers.map(async (worker) => ask(worker, task)));
  return (workers.length * task.lookups * 1e9) / (Bun.nanoseconds() - started);
}

async function ask(worker: Worker, task: Task): Promise<void> {
  await new Promise((resolve) => {
    worker.addEventListener("message", resolve, { once: true });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
    worker.postMessage(task);
  });
}

let opened: KvStore | undefined;

function answer({ directory, keys, lookups }: Task): void {
  opened ??= KvStore.open(directory, { readOnly: true });
  for (let lookup = 0; lookup < lookups; lookup += 1) {
    const index = Math.floor(Math.random() * keys);
    if (opened.get(keyOf(index)) === undefined) throw new Error(`${keyOf(index)} is missing`);
  }
  postMessage("done");
}
