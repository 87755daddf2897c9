/**
 * Times reads of a skewed load (zipf 0.99) with a value cache and without one,
 * taking turns, on stores of small and of larger values; what counts is the
 * median of the ratios, round by round.
 *
 * Usage: bun tests/bench/cache.ts [ROUNDS] [KEYS]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KvStore } from "../../src/index.ts";
import { fill, keyOf } from "./scattered-store.ts";
import { median } from "./statistics.ts";

const READS = 300_000;
const CACHE_BYTES: number = 64 * 1024 * 1024;
const [rounds = 7, keys = 200_000] = process.argv.slice(2).map(Number);
const directory = mkdtempSync(join(tmpdir(), "kvs-bench-"));

try {
  for (const valueBytes of [100, 10_000]) await compare(valueBytes);
} finally {
  rmSync(directory, { recursive: true });
}

async function compare(valueBytes: number): Promise<void> {
  const path = join(directory, `values-${valueBytes}`);
  const count = Math.min(keys, Math.floor(1e9 / valueBytes));
  await fill(path, count, { valueBytes });
  {
    using store = KvStore.open(path);
    await store.compact();
  }
  const sequence = zipf(count);
  using plain = KvStore.open(path, { readOnly: true });
  using cached = KvStore.open(path, { readOnly: true, cacheBytes: CACHE_BYTES });
  const ratios: number[] = [];
  for (let round = -2; round < rounds; round += 1) {
    const without = timeOf(plain, sequence);
    const withCache = timeOf(cached, sequence);
    if (round >= 0) ratios.push(without / withCache);
  }
  console.log(
    `${count} values of ${valueBytes} bytes: with a cache ${median(ratios).toFixed(2)} times as fast`,
  );
}

function timeOf(store: KvStore, sequence: Uint32Array): number {
  const started = performance.now();
  let bytes = 0;
  for (const index of sequence) bytes += store.get(keyOf(index))?.length ?? 0;
  if (bytes === 0) throw new Error("Nothing was read");
  return performance.now() - started;
}

/** Key numbers, few of them often: the n-th most frequent in proportion to n^-0.99. */
function zipf(count: number): Uint32Array {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank += 1) {
    sum += (rank + 1) ** -0.99;
    sums[rank] = sum;
  }
  return Uint32Array.from({ length: READS }, () => {
    const wanted = Math.random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    // The frequent ones stand anywhere in the store.
    return (low * 7919) % count;
  });
}
