import { describe, expect, test } from "bun:test";
import { KvStore, type LogFormat, type OpenOptions } from "../../src/index.ts";
import { codeOf } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const SEED: number = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const SEQUENCES: number = Number(process.env["KVS_SEQUENCES"] ?? 240);
const STEPS = 70;
console.log(`seed ${SEED}`);

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
const SIZES = [1, 200, 400, 1000, 5000, 64 * 1024 * 1024] as const;

/** A store under random operations, through several handles, beside a Map that does the same. */
class Sequence {
  readonly #random: SeededRandom;
  readonly #path: string = newStorePath();
  readonly #model = new Map<string, Entry>();
  readonly #format: "binary" | "json";
  #handles: KvStore[] = [];
  #now: number;

  constructor(random: SeededRandom, now: number) {
    this.#random = random;
    this.#now = now;
    this.#format = random.pick(["binary", "json"]);
    this.#handles = [this.#open()];
  }

  get now(): number {
    return this.#now;
  }

  async step(): Promise<void> {
    const kind = this.#random.below(32);
    if (kind < 22) this.#operateInOneTick();
    else if (kind < 24) await endTick();
    else if (kind === 24) this.#reopen();
    else if (kind === 25 && this.#handles.length < 3) this.#handles.push(this.#open());
    else if (kind === 26) await this.#compact();
    else if (kind === 27) await this.#handle().flush();
    else if (kind === 28) this.#now += this.#random.pick([1, 50, 1000]);
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
  }

  #open(): KvStore {
    const options: OpenOptions = {
      format: this.#format,
      generationBytes: this.#random.pick(SIZES),
      durability: this.#random.pick(["os", "sync"]),
    };
    return KvStore.openOn(fastDisk(), this.#path, options);
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
      expect(store.set(key, value)).toBe(true);
      this.#put(key, value, 0);
    } else if (kind < 7) {
      const ttlMs = this.#random.pick([1, 60, 2000, 1_000_000]);
      store.set(key, value, { ttlMs });
      this.#put(key, value, this.#now + ttlMs);
    } else if (kind < 9) {
      expect(store.delete(key)).toBe(old !== undefined);
      this.#model.delete(key);
    } else if (kind === 9) {
      expect(store.set(key, value, { ifAbsent: true })).toBe(old === undefined);
      if (old === undefined) this.#put(key, value, 0);
    } else if (kind === 10) {
      const ifEquals = this.#random.pick(VALUES);
      expect(store.set(key, value, { ifEquals })).toBe(old?.value === ifEquals);
      if (old?.value === ifEquals) this.#put(key, value, 0);
    } else if (kind === 11) {
      const number = old === undefined ? 0 : /^-?[0-9]+$/.test(old.value) ? Number(old.value) : undefined;
      if (number === undefined) return expect(codeOf(() => store.increment(key))).toBe("NOT_A_NUMBER");
      expect(store.increment(key, 3)).toBe(number + 3);
      this.#put(key, String(number + 3), expiresAt);
    } else if (kind === 12) {
      if ((old?.value.length ?? 0) > 5000) return;
      store.append(key, value);
      this.#put(key, (old?.value ?? "") + value, expiresAt);
    } else if (kind === 13) {
      const changed = this.#random.pick([undefined, value]);
      expect(store.update(key, () => changed)).toBe(changed ?? old?.value);
      if (changed !== undefined) this.#put(key, changed, expiresAt);
    } else if (kind === 14) {
      expect(store.take(key)).toBe(old?.value);
      this.#model.delete(key);
    } else if (kind === 15) {
      expect(store.expire(key, 70)).toBe(old !== undefined);
      if (old !== undefined) this.#put(key, old.value, this.#now + 70);
    } else if (kind === 16) {
      expect(store.persist(key)).toBe(old !== undefined);
      if (old !== undefined) this.#put(key, old.value, 0);
    } else if (kind === 17) {
      const prefix = this.#random.pick(["a/", "\ud7ff", "zzz"]);
      const keys = [...this.#model.keys()].filter(
        (one) => one.startsWith(prefix) && this.#live(one) !== undefined,
      );
      expect(store.deletePrefix(prefix)).toBe(keys.length);
      for (const one of keys) this.#model.delete(one);
    } else if (kind < 20) {
      const other = this.#random.pick(KEYS);
      store.batch([{ set: [key, value] }, { remove: other }, { set: ["zz", key], ttlMs: 500 }]);
      this.#put(key, value, 0);
      this.#model.delete(other);
      this.#put("zz", key, this.#now + 500);
    } else {
      expect(store.get(key)).toBe(old?.value);
      expect(store.has(key)).toBe(old !== undefined);
      expect(store.ttl(key)).toBe(
        old === undefined ? undefined : old.expiresAt === 0 ? null : old.expiresAt - this.#now,
      );
    }
  }

  /** Everything that a handle can tell must be what the model says. */
  #check(store: KvStore): void {
    const wanted = [...this.#model.keys()]
      .filter((key) => this.#live(key) !== undefined)
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((key): [string, string] => [key, this.#live(key)?.value ?? ""]);
    expect([...store.entries()]).toEqual(wanted);
    expect([...store.keys({ reverse: true })]).toEqual(wanted.map(([key]) => key).toReversed());
    const [from, to] = [this.#random.pick(KEYS), this.#random.pick(KEYS)];
    const inside = wanted.filter(
      ([key]) =>
        Buffer.compare(Buffer.from(key), Buffer.from(from)) >= 0 &&
        Buffer.compare(Buffer.from(key), Buffer.from(to)) < 0,
    );
    expect([...store.entries({ from, to, limit: 3 })]).toEqual(inside.slice(0, 3));
    expect(store.stats().keys).toBe(wanted.length);
  }
}

describe("random operations", () => {
  test(`give the same answers as a Map, in ${SEQUENCES} configurations`, async () => {
    const { now } = Date;
    try {
      for (let index = 0; index < SEQUENCES; index += 1) {
        const seed = (SEED + index) >>> 0;
        // A thousand years back or ahead: the clock of the machine plays no part.
        const start = index % 2 === 0 ? 1_000_000 : 33_000_000_000_000;
        const sequence: Sequence = (() => {
          Date.now = () => start;
          return new Sequence(seededRandom(seed), start);
        })();
        Date.now = () => sequence.now;
        try {
          for (let step = 0; step < STEPS; step += 1) await sequence.step();
          await sequence.finish();
        } catch (error) {
          console.log(`failed with KVS_SEED=${seed} KVS_SEQUENCES=1`);
          throw error;
        }
      }
    } finally {
      Date.now = now;
    }
  });
});
