import { spawnSync } from "bun";
import { rmSync } from "node:fs";
import type { Durability, Engine, Entry } from "./engines/engine.ts";
import { type Distribution, draw, missingKey, permutation, presentKey } from "./keys.ts";
import type { Values } from "./values.ts";

/** After so many operations an engine hands its writes to the operating system, and the event loop turns once. */
export const SLICE = 1000;

const BATCH = 1000;
const RANGE = 100;
const WRITERS = 64;
/** Of so many mixed operations one is a write. */
const MIX = 10;
const MOST_DRAWS = 1_000_000;
/** A sync takes a tenth of a millisecond and more: this many tell enough. */
const MOST_SYNCS = 2000;

/** A store under work: so many keys, the same values for every engine. */
export interface Bench {
  readonly engine: Engine;
  readonly directory: string;
  readonly keys: number;
  readonly values: Values;
  /** A work that may stop early does so after this many seconds. */
  readonly seconds: number;
}

/** What was done, and how long it took. */
export interface Outcome {
  readonly operations: number;
  readonly nanoseconds: number;
}

export interface Work {
  readonly name: string;
  readonly title: string;
  /** It is told in bytes of keys and values a second as well. */
  readonly movesData?: true;
  /** Left out for an engine that does not have all of these. */
  readonly needs?: ReadonlyArray<keyof Engine>;
  run(bench: Bench): Promise<Outcome>;
}

/** Works that follow one another in one process, on one store. */
export interface Group {
  readonly name: string;
  readonly durability: Durability;
  /** Takes over the stores of the group before, in processes of its own; otherwise they are new. */
  readonly reopens?: true;
  /** False where an engine shall leave what is stale until it is told. */
  readonly compactsItself?: false;
  readonly works: readonly [Work, ...Work[]];
}

/**
 * All that is measured. The first work of a group makes what the others need,
 * so it always runs.
 */
export const GROUPS: readonly Group[] = [
  {
    name: "random",
    durability: "os",
    works: [
      { name: "fill-random", title: "Fill in random order", run: fillInRandomOrder },
      { name: "get", title: "Get, hits", run: async (bench) => getHits(bench, "uniform") },
      { name: "get-zipf", title: "Get, hits, skewed", run: async (bench) => getHits(bench, "zipf") },
      { name: "miss", title: "Get, misses", run: getMisses },
      { name: "range", title: "Range of 100", needs: ["range"], run: readRanges },
      { name: "scan", title: "Full scan, an entry", needs: ["range"], run: scan },
      { name: "mixed", title: "9 gets, 1 set", run: async (bench) => mix(bench, "uniform") },
      { name: "mixed-zipf", title: "9 gets, 1 set, skewed", run: async (bench) => mix(bench, "zipf") },
      { name: "overwrite", title: "Overwrite", run: overwrite },
      { name: "delete", title: "Delete", run: deleteAll },
    ],
  },
  {
    name: "batches",
    durability: "os",
    works: [{ name: "batch", title: "Batch of 1,000, an entry", needs: ["batch"], run: fillInBatches }],
  },
  {
    name: "sorted",
    durability: "os",
    works: [{ name: "fill-sorted", title: "Fill in sorted order", run: fillInOrder }],
  },
  {
    name: "reopened",
    durability: "os",
    reopens: true,
    works: [
      { name: "open", title: "Open and get once", run: open },
      {
        name: "get-reopened",
        title: "Get, hits, in a new process",
        run: async (bench) => getHits(bench, "uniform"),
      },
    ],
  },
  {
    name: "compacted",
    durability: "os",
    compactsItself: false,
    works: [
      {
        name: "compact",
        title: "Compaction, a live entry",
        needs: ["compact"],
        movesData: true,
        run: compact,
      },
      {
        name: "cp",
        title: "cp of the compacted store, an entry",
        needs: ["compact"],
        movesData: true,
        run: copy,
      },
    ],
  },
  {
    name: "durable",
    durability: "sync",
    works: [
      {
        name: "sync",
        title: "Durable set, one writer",
        needs: ["setDurably"],
        run: async (bench) => setDurably(bench, 1),
      },
      {
        name: "sync-64",
        title: "Durable set, 64 writers",
        needs: ["setDurably"],
        run: async (bench) => setDurably(bench, WRITERS),
      },
    ],
  },
];

async function fillInRandomOrder(bench: Bench): Promise<Outcome> {
  const shuffled = permutation(bench.keys);
  return fill(bench, { version: 0, indexOf: shuffled });
}

async function fillInOrder(bench: Bench): Promise<Outcome> {
  return fill(bench, { version: 0, indexOf: (operation) => operation });
}

/** Writes every key once more, in another order than the fill's. */
async function overwrite(bench: Bench): Promise<Outcome> {
  const shuffled = permutation(bench.keys);
  return fill(bench, { version: 1, indexOf: (operation) => shuffled(bench.keys - 1 - operation) });
}

interface FillPlan {
  readonly version: number;
  readonly indexOf: (operation: number) => number;
}

async function fill({ engine, keys, values }: Bench, { version, indexOf }: FillPlan): Promise<Outcome> {
  return inSlices(engine, { operations: keys }, (from, to) => {
    for (let operation = from; operation < to; operation += 1) {
      const index = indexOf(operation);
      engine.set(presentKey(index), values(index, version));
    }
  });
}

async function fillInBatches({ engine, keys, values }: Bench): Promise<Outcome> {
  const shuffled = permutation(keys);
  const start = Bun.nanoseconds();
  for (let done = 0; done < keys; done += BATCH) {
    const entries: Entry[] = [];
    for (let operation = done; operation < Math.min(done + BATCH, keys); operation += 1) {
      const index = shuffled(operation);
      entries.push([presentKey(index), values(index, 0)]);
    }
    await engine.batch?.(entries);
    await turn();
  }
  return { operations: keys, nanoseconds: Bun.nanoseconds() - start };
}

async function getHits(bench: Bench, distribution: Distribution): Promise<Outcome> {
  const { engine, keys, values, seconds } = bench;
  const draws = draw(distribution, keys, Math.min(keys, MOST_DRAWS));
  const { length } = values(0, 0);
  return inSlices(engine, { operations: draws.length, seconds }, (from, to) => {
    for (let operation = from; operation < to; operation += 1) {
      const value = engine.get(presentKey(draws[operation] ?? 0));
      if (value?.length !== length) throw new Error("A key that was stored has another value");
    }
  });
}

async function getMisses({ engine, keys, seconds }: Bench): Promise<Outcome> {
  const draws = draw("uniform", keys, Math.min(keys, MOST_DRAWS));
  return inSlices(engine, { operations: draws.length, seconds }, (from, to) => {
    for (let operation = from; operation < to; operation += 1) {
      if (engine.get(missingKey(draws[operation] ?? 0)) !== undefined)
        throw new Error("A key that was never stored has a value");
    }
  });
}

async function mix(bench: Bench, distribution: Distribution): Promise<Outcome> {
  const { engine, keys, values, seconds } = bench;
  const draws = draw(distribution, keys, Math.min(keys, MOST_DRAWS));
  return inSlices(engine, { operations: draws.length, seconds }, (from, to) => {
    for (let operation = from; operation < to; operation += 1) {
      const index = draws[operation] ?? 0;
      if (operation % MIX === 0) engine.set(presentKey(index), values(index, 2));
      else if (engine.get(presentKey(index)) === undefined)
        throw new Error("A key that was stored is missing");
    }
  });
}

async function readRanges({ engine, keys, seconds }: Bench): Promise<Outcome> {
  const starts = draw("uniform", keys, Math.min(keys, MOST_DRAWS));
  const start = Bun.nanoseconds();
  let operations = 0;
  for (const index of starts) {
    const count = await engine.range?.(presentKey(index), RANGE);
    if (count !== Math.min(RANGE, keys - index)) throw new Error(`A range has ${count} entries`);
    operations += 1;
    if (isOver(start, seconds)) break;
  }
  return { operations, nanoseconds: Bun.nanoseconds() - start };
}

async function scan({ engine, keys }: Bench): Promise<Outcome> {
  const start = Bun.nanoseconds();
  const count = await engine.range?.(presentKey(0), keys);
  if (count !== keys) throw new Error(`A scan of ${keys} entries found ${count}`);
  return { operations: keys, nanoseconds: Bun.nanoseconds() - start };
}

/** Half of what the store holds is stale. */
async function compact(bench: Bench): Promise<Outcome> {
  const { engine, keys } = bench;
  await fillInRandomOrder(bench);
  await overwrite(bench);
  const start = Bun.nanoseconds();
  await engine.compact?.();
  return { operations: keys, nanoseconds: Bun.nanoseconds() - start };
}

/** A compaction has to read and write as much as this does. */
async function copy({ directory, keys }: Bench): Promise<Outcome> {
  const target = `${directory}.copy`;
  const start = Bun.nanoseconds();
  const { exitCode, stderr } = spawnSync(["cp", "-r", directory, target]);
  const nanoseconds = Bun.nanoseconds() - start;
  rmSync(target, { recursive: true, force: true });
  if (exitCode !== 0) throw new Error(`Cannot copy "${directory}": ${stderr.toString()}`);
  return { operations: keys, nanoseconds };
}

async function deleteAll({ engine, keys, seconds }: Bench): Promise<Outcome> {
  const shuffled = permutation(keys);
  return inSlices(engine, { operations: keys, seconds }, (from, to) => {
    for (let operation = from; operation < to; operation += 1) engine.delete(presentKey(shuffled(operation)));
  });
}

async function open({ engine, keys }: Bench): Promise<Outcome> {
  const start = Bun.nanoseconds();
  await engine.open();
  if (engine.get(presentKey(keys >>> 1)) === undefined) throw new Error("A reopened store lacks a key");
  return { operations: 1, nanoseconds: Bun.nanoseconds() - start };
}

/** So many writers at once, each waiting for its write before it makes the next. */
async function setDurably({ engine, keys, values, seconds }: Bench, writers: number): Promise<Outcome> {
  const most = Math.min(keys, MOST_SYNCS * writers);
  const shuffled = permutation(keys);
  const start = Bun.nanoseconds();
  let operations = 0;
  const writer = async (): Promise<void> => {
    while (operations < most && !isOver(start, seconds)) {
      const index = shuffled(operations);
      operations += 1;
      await engine.setDurably?.(presentKey(index), values(index, 0));
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return { operations, nanoseconds: Bun.nanoseconds() - start };
}

interface Limits {
  readonly operations: number;
  readonly seconds?: number;
}

/** Works slice by slice, until all is done or the time is over. */
async function inSlices(
  engine: Engine,
  { operations, seconds = Number.POSITIVE_INFINITY }: Limits,
  work: (from: number, to: number) => void,
): Promise<Outcome> {
  const start = Bun.nanoseconds();
  let done = 0;
  while (done < operations && !isOver(start, seconds)) {
    const end = Math.min(done + SLICE, operations);
    work(done, end);
    await engine.endSlice();
    await turn();
    done = end;
  }
  return { operations: done, nanoseconds: Bun.nanoseconds() - start };
}

function isOver(start: number, seconds: number): boolean {
  return Bun.nanoseconds() - start > seconds * 1e9;
}

/** Lets the event loop turn once. */
async function turn(): Promise<void> {
  await new Promise((resolve) => void setImmediate(resolve));
}
