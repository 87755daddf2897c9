/**
 * A process under test: `bun store-process.ts DIRECTORY OPTIONS` opens a store and
 * answers requests, a line each, as `kvs shell` does; it knows `compact`, `batch`
 * and `hold` beside. A reply is given once the write has reached what the options say.
 */
import { writeSync } from "node:fs";
import { KvStore, KvsError, type OpenOptions } from "../../src/index.ts";

/** So long a lock is held by a process that nobody kills. */
const HELD_MS = 60_000;

type Answer = string | Promise<string>;

const REQUESTS: Readonly<Record<string, (store: KvStore, ...operands: readonly string[]) => Answer>> = {
  get: (store, key = "") => valued(store.get(key)),
  set: (store, key = "", value = "", flag = "") => set(store, key, value, flag),
  rm: (store, key = "") => (store.delete(key) ? "ok" : "none"),
  incr: (store, key = "", by = "1") => valued(String(store.increment(key, Number(by)))),
  append: (store, key = "", value = "") => {
    store.append(key, value);
    return "ok";
  },
  list: (store) => ["list", ...[...store.entries()].flat()].join("\t"),
  batch: (store, ...fields) => {
    const sets = fields.flatMap((key, at) =>
      at % 2 === 0 ? [{ set: [key, fields[at + 1] ?? ""] } as const] : [],
    );
    store.batch(sets);
    return "ok";
  },
  hold: (store, key = "") => {
    store.update(key, (value) => {
      writeSync(1, "holding\n");
      Bun.sleepSync(HELD_MS);
      return value ?? "";
    });
    return "held";
  },
  compact: async (store) => {
    await store.compact();
    return "ok";
  },
};

function set(store: KvStore, key: string, value: string, flag: string): string {
  const [name, expected = ""] = flag.split("=");
  if (name === "--if-absent") return store.set(key, value, { ifAbsent: true }) ? "ok" : "no";
  if (name === "--if-equals") return store.set(key, value, { ifEquals: expected }) ? "ok" : "no";
  store.set(key, value);
  return "ok";
}

function valued(value: string | undefined): string {
  return value === undefined ? "none" : `value\t${value}`;
}

async function answer(store: KvStore, line: string): Promise<string> {
  const [name = "", ...operands] = line.split("\t");
  try {
    const reply = await REQUESTS[name]?.(store, ...operands);
    // Writes are handed over when the tick ends, and are true from then on.
    await Promise.resolve();
    await Promise.resolve();
    // What the disk refused then, the next call throws.
    store.has("");
    return reply ?? `error\tUnknown request ${name}`;
  } catch (error) {
    if (error instanceof KvsError) return `error\t${error.code}\t${error.message}`;
    throw error;
  }
}

const [directory = "", options = "{}"] = process.argv.slice(2);
using store = KvStore.open(directory, JSON.parse(options) as OpenOptions);
for await (const line of console) writeSync(1, `${await answer(store, line)}\n`);
