import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hashKey, hashSeedOf } from "../../src/format/hash.ts";
import { encodeKey } from "../../src/format/key.ts";
import { parseLogHeader } from "../../src/format/log-header.ts";
import { KvStore, type OpenOptions, type ScanOptions } from "../../src/index.ts";
import { fastDisk } from "./hooked-disk.ts";
import { type SeededRandom, seededRandom } from "./random.ts";
import { endTick } from "./scripted-run.ts";

/** A store of merged, sealed and active logs, and what it holds. */
export interface RandomStore {
  readonly path: string;
  /** Values by their keys, one character a byte. */
  readonly model: ReadonlyMap<string, Buffer>;
  /** Keys that have no value: never set, removed, expired, and ones that share a hash with others. */
  readonly absent: readonly string[];
}

/** Lengths at which the indexed length of a record ends, a key of three bytes and twelve bytes of fields given. */
const LONG_VALUES = [65_519, 65_520, 65_521, 70_000, 200_000] as const;
const ODD_KEYS = ["", "\0", "\xff", "\xff\xfe", "\xc3\x28", "k", "k\0", "x".repeat(65_535)] as const;

/** Fills a store at random; its handle is closed, its sealed logs have their indexes. */
export async function writeRandomStore(
  path: string,
  seed: number,
  options: OpenOptions = {},
): Promise<RandomStore> {
  const opened = { generationBytes: 60_000, autoCompact: false, ...options };
  const random = seededRandom(seed);
  const model = new Map<string, Buffer>();
  const known = new Set<string>(["never set", "\x80", "zzz"]);
  {
    using store = KvStore.openOn(fastDisk(), path, opened);
    const keys = [...plainKeys(random), ...ODD_KEYS, ...collidingKeys(path).flat()];
    for (const key of keys) known.add(key);
    for (const part of [0, 1, 2]) {
      for (let left = 900; left > 0; left -= 1) {
        change(store, model, random, keys);
        if (random.below(4) === 0) await endTick();
      }
      for (const [index, length] of LONG_VALUES.entries()) {
        const value = Buffer.alloc(length, `${part}${index}`);
        store.set(bytesOf(`lo${index}`), value);
        model.set(`lo${index}`, value);
      }
      if (part === 0) await store.compact();
    }
    // What was set to expire has done so by now.
    await Bun.sleep(5);
  }
  {
    using store = KvStore.openOn(fastDisk(), path, { ...opened, generationBytes: 64 * 1024 * 1024 });
    for (let left = 20; left > 0; left -= 1) change(store, model, random, [...model.keys()].slice(0, 50));
    await Bun.sleep(5);
  }
  return { path, model, absent: [...known].filter((key) => !model.has(key)) };
}

/** What a handle answers otherwise than the model; an empty array where all is well. */
export function wrongAnswers(store: KvStore, { model, absent }: RandomStore): string[] {
  return [...wrongLookups(store, { model, absent }), ...wrongScans(store, model)];
}

export function wrongLookups(
  store: KvStore,
  { model, absent }: Pick<RandomStore, "model" | "absent">,
): string[] {
  const wrong: string[] = [];
  for (const [key, value] of model) {
    const found = store.getBytes(bytesOf(key));
    if (found === undefined || !value.equals(found)) wrong.push(`get ${name(key)}: ${found?.length}`);
    if (!store.has(bytesOf(key))) wrong.push(`has ${name(key)}`);
  }
  for (const key of absent) {
    if (store.getBytes(bytesOf(key)) !== undefined || store.has(bytesOf(key))) wrong.push(`got ${name(key)}`);
  }
  return wrong;
}

export function wrongScans(store: KvStore, model: ReadonlyMap<string, Buffer>): string[] {
  const sorted = [...model].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const some = (at: number): string => sorted[Math.floor(sorted.length * at)]?.[0] ?? "";
  const [from, to] = [some(0.3), some(0.6)];
  const wrong: string[] = [];
  const check = (
    what: string,
    options: ScanOptions,
    wanted: readonly (readonly [string, Buffer])[],
  ): void => {
    const found = [...store.entries({ ...options, encoding: "bytes" })];
    const fits = ([key, value]: readonly [Uint8Array, Uint8Array], at: number): boolean => {
      const [wantedKey = "", wantedValue] = wanted[at] ?? [];
      return bytesOf(wantedKey).equals(key) && wantedValue?.equals(value) === true;
    };
    if (found.length !== wanted.length || !found.every(fits)) wrong.push(`${what}: ${found.length} entries`);
  };
  check("forward", {}, sorted);
  check("reverse", { reverse: true }, sorted.toReversed());
  const inside = sorted.filter(([key]) => key >= from && key < to);
  check("range", { from: bytesOf(from), to: bytesOf(to) }, inside);
  check(
    "range backwards",
    { from: bytesOf(from), to: bytesOf(to), reverse: true, limit: 40 },
    inside.toReversed().slice(0, 40),
  );
  for (const prefix of ["k", "lo", "\xff", from.slice(0, 2)]) {
    const within = sorted.filter(([key]) => key.startsWith(prefix));
    check(`prefix ${name(prefix)}`, { prefix: bytesOf(prefix) }, within);
    const count = store.count({ prefix: bytesOf(prefix) });
    if (count !== within.length) wrong.push(`count of ${name(prefix)}: ${count}`);
  }
  const keys = [...store.keys({ encoding: "bytes" })].map((key) => Buffer.from(key).toString("latin1"));
  if (keys.join("\n") !== sorted.map(([key]) => key).join("\n")) wrong.push(`keys: ${keys.length}`);
  if (store.stats().keys !== model.size) wrong.push(`stats: ${store.stats().keys} keys`);
  return wrong;
}

function change(
  store: KvStore,
  model: Map<string, Buffer>,
  random: SeededRandom,
  keys: readonly string[],
): void {
  const key = keys[random.below(keys.length)] ?? "";
  const value = Buffer.alloc(random.pick([0, 1, 20, 20, 300]), String(random.below(1e9)));
  const kind = random.below(20);
  if (kind < 13) {
    store.set(bytesOf(key), value);
    model.set(key, value);
  } else if (kind < 16) {
    store.delete(bytesOf(key));
    model.delete(key);
  } else if (kind < 17) {
    store.set(bytesOf(key), value, { ttlMs: 1 });
    model.delete(key);
  } else if (kind < 18) {
    store.set(bytesOf(key), value, { ttlMs: 1e9 });
    model.set(key, value);
  } else {
    const other = keys[random.below(keys.length)] ?? "";
    store.batch([{ set: [bytesOf(key), value] }, { remove: bytesOf(other) }, { set: ["batched", value] }]);
    model.set(key, value);
    model.delete(other);
    model.set("batched", value);
  }
}

function plainKeys(random: SeededRandom): string[] {
  return Array.from({ length: 900 }, () => {
    const number = random.below(1e6);
    return random.below(3) === 0 ? String.fromCharCode(number & 0xff, number >> 12) : `k${number}`;
  });
}

/** Pairs of keys that share a hash in this store. */
function collidingKeys(path: string): (readonly [string, string])[] {
  const parsed = parseLogHeader(readFileSync(join(path, "1.log")));
  if (parsed.status !== "header") throw new Error("A new store has a log");
  const seed = hashSeedOf(parsed.header.storeId);
  const seen = new Map<number, string>();
  const pairs: (readonly [string, string])[] = [];
  // Of 200,000 keys four or five pairs collide.
  for (let number = 0; pairs.length < 4; number += 1) {
    const key = `c${number}`;
    const hash = hashKey(encodeKey(key), seed);
    const other = seen.get(hash);
    if (other === undefined) seen.set(hash, key);
    else pairs.push([other, key]);
  }
  return pairs;
}

/** A key's bytes. */
export function bytesOf(key: string): Buffer {
  return Buffer.from(key, "latin1");
}

function name(key: string): string {
  return JSON.stringify(key.slice(0, 20));
}
