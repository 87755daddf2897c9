import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KvStore } from "../../src/index.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const SEED: number = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${SEED}`);

const ROUNDS = 400;

/** A scan that is under way, and what is still to come of it. */
interface Snapshot {
  readonly scan: IteratorObject<[string, string], undefined>;
  readonly wanted: readonly (readonly [string, string])[];
  seen: number;
}

/** Starts a scan of a random part, both ways. */
function start(store: KvStore, model: ReadonlyMap<string, string>, random: SeededRandom): Snapshot {
  const prefix = random.pick(["", "", "k", "k1", "k7"]);
  const reverse = random.below(2) === 0;
  const sorted = [...model]
    .filter(([key]) => key.startsWith(prefix))
    .toSorted(([a], [b]) => (a < b === reverse ? 1 : -1));
  const snapshot = { scan: store.entries({ prefix, reverse }), wanted: sorted, seen: 0 };
  advance(snapshot, 1);
  return snapshot;
}

/** Goes on with a scan; false when it has come to its end. */
function advance(snapshot: Snapshot, steps: number): boolean {
  for (let left = steps; left > 0; left -= 1) {
    const { done, value } = snapshot.scan.next();
    if (done === true) {
      expect(snapshot.seen).toBe(snapshot.wanted.length);
      return false;
    }
    expect(value).toEqual([...(snapshot.wanted[snapshot.seen] ?? ["nothing", "nothing"])]);
    snapshot.seen += 1;
  }
  return true;
}

function change(store: KvStore, model: Map<string, string>, random: SeededRandom): void {
  const key = `k${random.below(3000)}`;
  if (random.below(4) === 0) {
    expect(store.delete(key)).toBe(model.delete(key));
    return;
  }
  const value = `${random.below(1e9)}`.padEnd(random.pick([0, 50, 50, 900]));
  store.set(key, value);
  model.set(key, value);
}

function removeSomeIndex(path: string, random: SeededRandom): void {
  const names = readdirSync(path).filter((name) => name.endsWith(".idx"));
  const name = names[random.below(names.length)];
  if (name !== undefined) rmSync(join(path, name), { force: true });
}

for (const format of ["binary", "json"] as const) {
  for (const mmap of [true, false]) {
    test(`scans of a ${format} store stay as they began while it is written, merged and bereft of indexes, mmap ${mmap}`, async () => {
      const random = seededRandom(SEED);
      const model = new Map<string, string>();
      const options = { format, mmap, generationBytes: 40_000, compactionThreshold: 100_000 };
      await using store = KvStore.open(newStorePath(), options);
      let snapshots: Snapshot[] = [];
      let compaction: Promise<unknown> = Promise.resolve();
      for (let round = 0; round < ROUNDS; round += 1) {
        for (let left = 20; left > 0; left -= 1) change(store, model, random);
        if (random.below(3) === 0) await endTick();
        if (snapshots.length < 12 && random.below(3) === 0) snapshots.push(start(store, model, random));
        snapshots = snapshots.filter((snapshot) => advance(snapshot, random.below(60)));
        if (random.below(20) === 0) removeSomeIndex(store.directory, random);
        // The event loop goes on: indexes are made and logs are merged in the background.
        if (random.below(10) === 0) await new Promise<void>((resolve) => setImmediate(resolve));
        if (random.below(60) === 0) {
          await compaction;
          compaction = store.compact();
        }
        const key = `k${random.below(3000)}`;
        expect(store.get(key)).toBe(model.get(key));
      }
      await compaction;
      for (const snapshot of snapshots) while (advance(snapshot, 1));
      advance(start(store, model, random), Number.POSITIVE_INFINITY);
    });
  }
}

test("scans that began with an index which is damaged go on with the one that was made in its place", () => {
  const path = newStorePath();
  const keys = Array.from({ length: 1500 }, (_, number) => `key ${String(number).padStart(4, "0")}`);
  const options = { generationBytes: 1, autoCompact: false } as const;
  {
    using store = KvStore.openOn(fastDisk(), path, options);
    store.batch(keys.map((key) => ({ set: [key, ""] }) as const));
  }
  const index = join(path, "1.idx");
  const bytes = readFileSync(index);
  // The end of the order of its keys.
  bytes.writeUInt8((bytes.at(-100) ?? 0) ^ 1, bytes.length - 100);
  writeFileSync(index, bytes);
  using store = KvStore.openOn(fastDisk(), path, options);
  const [first, second] = [store.keys(), store.keys()];
  const seen = [first.next().value, second.next().value];
  expect(seen).toEqual([keys[0], keys[0]]);
  expect([...first]).toEqual(keys.slice(1));
  expect(existsSync(index)).toBe(false);
  KvStore.maintain(path, { autoCompact: false });
  {
    // A rotation: who reads lists the directory anew.
    using other = KvStore.openOn(fastDisk(), path, options);
    other.set("last", "");
  }
  expect(store.has("last")).toBe(true);
  expect([...second]).toEqual(keys.slice(1));
  expect([...store.keys()]).toEqual([...keys, "last"]);
});
