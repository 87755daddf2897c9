import { deepStrictEqual, strictEqual } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KvStore, type LogFormat, type OpenOptions, verifyStore } from "../../src/index.ts";
import { codeOf } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { endTick } from "../support/scripted-run.ts";
import type { Campaign, Outcome } from "./campaign.ts";

const STEPS = 70;

/** A thousand years ahead for every other sequence: the clock of the machine plays no part. */
const STARTS = [1_000_000, 33_000_000_000_000] as const;

const SIZES = [400, 3000, 20_000, 1024 * 1024, 64 * 1024 * 1024] as const;
const READING = [
  { bloomBitsPerKey: 10, cacheBytes: 0, mmap: true },
  { bloomBitsPerKey: 10, cacheBytes: 0, mmap: false },
  { bloomBitsPerKey: 0, cacheBytes: 0, mmap: true },
  { bloomBitsPerKey: 0, cacheBytes: 2000, mmap: false },
  { bloomBitsPerKey: 10, cacheBytes: 100_000, mmap: true },
] as const satisfies readonly OpenOptions[];

/** Every size of a generation with every way of reading, in both formats: 50. */
const CONFIGURATIONS: readonly OpenOptions[] = SIZES.flatMap((generationBytes) =>
  READING.flatMap((reading) =>
    (["binary", "json"] as const).map((format) => ({ generationBytes, ...reading, format })),
  ),
);

/** Random operations through several handles, beside a Map that does the same. */
export const sequences: Campaign = {
  name: "sequences",
  test: 13,
  shows:
    "all answers are those of a Map: random operations in 50 configurations, reopened often, on real files",
  unit: "sequences",
  full: 10_000,
  run: runSequence,
};

async function runSequence(seed: number): Promise<Outcome> {
  const { now } = Date;
  const directory = mkdtempSync(join(tmpdir(), "kvs-sequence-"));
  const start = STARTS[seed % 2] ?? STARTS[0];
  Date.now = () => start;
  try {
    const options = CONFIGURATIONS[seed % CONFIGURATIONS.length] ?? {};
    const sequence: Sequence = new Sequence(seededRandom(seed), join(directory, "store"), options, start);
    Date.now = () => sequence.now;
    for (let step = 0; step < STEPS; step += 1) await sequence.step();
    await sequence.finish();
    return { cases: 1, failures: [] };
  } catch (error) {
    return { cases: 1, failures: [error instanceof Error ? (error.stack ?? error.message) : String(error)] };
  } finally {
    Date.now = now;
    rmSync(directory, { recursive: true });
  }
}

interface Entry {
  readonly value: string;
  /** By the clock of the test; 0 for never. */
  readonly expiresAt: number;
}

const KEYS = [
  "",
  "a",
  "a/",
  "a/b",
  "a/c",
  "b",
  "\u0000",
  "ü",
  "\ud7ff",
  "\ue000",
  "\u{10000}",
  "n",
  "zz",
] as const;
const VALUES = ["", "1", "-7", "value", "ü€😀", "x".repeat(90), "line\nline", "y".repeat(700)] as const;

/** A store under random operations, through several handles, beside a Map that does the same. */
class Sequence {
  readonly #random: SeededRandom;
  readonly #path: string;
  readonly #options: OpenOptions;
  readonly #model = new Map<string, Entry>();
  #handles: KvStore[] = [];
  #now: number;

  constructor(random: SeededRandom, path: string, options: OpenOptions, now: number) {
    this.#random = random;
    this.#path = path;
    this.#options = options;
    this.#now = now;
    this.#handles = [this.#open()];
  }

  get now(): number {
    return this.#now;
  }

  async step(): Promise<void> {
    const kind = this.#random.below(32);
    if (kind < 22) this.#operateInOneTick();
    else if (kind < 24) await endTick();
    else if (kind <= 25) this.#reopen();
    else if (kind === 26 && this.#handles.length < 3) this.#handles.push(this.#open());
    else if (kind === 27) await this.#compact();
    else if (kind === 28) await this.#handle().flush();
    else if (kind === 29) this.#now += this.#random.pick([1, 50, 1000]);
    else this.#check(this.#handle());
    if (this.#random.below(3) === 0) await endTick();
  }

  async finish(): Promise<void> {
    await endTick();
    for (const handle of this.#handles) this.#check(handle);
    for (const handle of this.#handles) handle.close();
    const last = this.#open();
    this.#check(last);
    await last.compact();
    this.#check(last);
    last.close();
    using reader = KvStore.openOn(fastDisk(), this.#path, { readOnly: true });
    this.#check(reader);
    deepStrictEqual((await verifyStore(this.#path)).damage, []);
  }

  #open(): KvStore {
    const durability = this.#random.pick(["os", "sync"] as const);
    return KvStore.openOn(fastDisk(), this.#path, { ...this.#options, durability });
  }

  #handle(): KvStore {
    return this.#handles[this.#random.below(this.#handles.length)] ?? this.#open();
  }

  #reopen(): void {
    const at = this.#random.below(this.#handles.length);
    this.#handles[at]?.close({ durability: this.#random.pick(["os", "sync"]) });
    this.#handles[at] = this.#open();
  }

  async #compact(): Promise<void> {
    const format = this.#random.pick<LogFormat | undefined>([undefined, undefined, "binary", "json"]);
    const compaction = this.#handle().compact(format === undefined ? {} : { format });
    for (let left = this.#random.below(4); left > 0; left -= 1) {
      this.#operateInOneTick();
      await endTick();
    }
    await compaction;
  }

  /** By one handle: another one sees what was set only once the tick has ended. */
  #operateInOneTick(): void {
    const store = this.#handle();
    for (let left = 1 + this.#random.below(3); left > 0; left -= 1)
      this.#operate(store, this.#random.below(22));
  }

  #live(key: string): Entry | undefined {
    const entry = this.#model.get(key);
    return entry === undefined || (entry.expiresAt !== 0 && entry.expiresAt <= this.#now) ? undefined : entry;
  }

  #put(key: string, value: string, expiresAt: number): void {
    this.#model.set(key, { value, expiresAt });
  }

  /** One operation on the store and on the model, whose answers must agree. */
  #operate(store: KvStore, kind: number): void {
    const [key, value] = [this.#random.pick(KEYS), this.#random.pick(VALUES)];
    const old = this.#live(key);
    const expiresAt = old?.expiresAt ?? 0;
    if (kind < 5) {
      strictEqual(store.set(key, value), true);
      this.#put(key, value, 0);
    } else if (kind < 7) {
      const ttlMs = this.#random.pick([1, 60, 2000, 1_000_000]);
      store.set(key, value, { ttlMs });
      this.#put(key, value, this.#now + ttlMs);
    } else if (kind < 9) {
      strictEqual(store.delete(key), old !== undefined);
      this.#model.delete(key);
    } else if (kind === 9) {
      strictEqual(store.set(key, value, { ifAbsent: true }), old === undefined);
      if (old === undefined) this.#put(key, value, 0);
    } else if (kind === 10) {
      const ifEquals = this.#random.pick(VALUES);
      strictEqual(store.set(key, value, { ifEquals }), old?.value === ifEquals);
      if (old?.value === ifEquals) this.#put(key, value, 0);
    } else if (kind === 11) {
      const number = old === undefined ? 0 : /^-?[0-9]+$/.test(old.value) ? Number(old.value) : undefined;
      if (number === undefined)
        return strictEqual(
          codeOf(() => store.increment(key)),
          "NOT_A_NUMBER",
        );
      strictEqual(store.increment(key, 3), number + 3);
      this.#put(key, String(number + 3), expiresAt);
    } else if (kind === 12) {
      if ((old?.value.length ?? 0) > 5000) return;
      store.append(key, value);
      this.#put(key, (old?.value ?? "") + value, expiresAt);
    } else if (kind === 13) {
      const changed = this.#random.pick([undefined, value]);
      strictEqual(
        store.update(key, () => changed),
        changed ?? old?.value,
      );
      if (changed !== undefined) this.#put(key, changed, expiresAt);
    } else if (kind === 14) {
      strictEqual(store.take(key), old?.value);
      this.#model.delete(key);
    } else if (kind === 15) {
      strictEqual(store.expire(key, 70), old !== undefined);
      if (old !== undefined) this.#put(key, old.value, this.#now + 70);
    } else if (kind === 16) {
      strictEqual(store.persist(key), old !== undefined);
      if (old !== undefined) this.#put(key, old.value, 0);
    } else if (kind === 17) {
      const prefix = this.#random.pick(["a/", "\ud7ff", "zzz"]);
      const keys = [...this.#model.keys()].filter(
        (one) => one.startsWith(prefix) && this.#live(one) !== undefined,
      );
      strictEqual(store.deletePrefix(prefix), keys.length);
      for (const one of keys) this.#model.delete(one);
    } else if (kind < 20) {
      const other = this.#random.pick(KEYS);
      store.batch([{ set: [key, value] }, { remove: other }, { set: ["zz", key], ttlMs: 500 }]);
      this.#put(key, value, 0);
      this.#model.delete(other);
      this.#put("zz", key, this.#now + 500);
    } else {
      strictEqual(store.get(key), old?.value);
      strictEqual(store.has(key), old !== undefined);
      const left = old?.expiresAt === 0 ? null : (old?.expiresAt ?? 0) - this.#now;
      strictEqual(store.ttl(key), old === undefined ? undefined : left);
    }
  }

  /** Everything that a handle can tell must be what the model says. */
  #check(store: KvStore): void {
    const wanted = [...this.#model.keys()]
      .filter((key) => this.#live(key) !== undefined)
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((key): [string, string] => [key, this.#live(key)?.value ?? ""]);
    deepStrictEqual([...store.entries()], wanted);
    deepStrictEqual([...store.keys({ reverse: true })], wanted.map(([key]) => key).toReversed());
    const [from, to] = [this.#random.pick(KEYS), this.#random.pick(KEYS)];
    const inside = wanted.filter(
      ([key]) =>
        Buffer.compare(Buffer.from(key), Buffer.from(from)) >= 0 &&
        Buffer.compare(Buffer.from(key), Buffer.from(to)) < 0,
    );
    deepStrictEqual([...store.entries({ from, to, limit: 3 })], inside.slice(0, 3));
    strictEqual(store.stats().keys, wanted.length);
  }
}
