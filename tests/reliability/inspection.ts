import { COMPACT_NAME, LOCK_NAME, parseIndexName } from "../../src/disk/file-names.ts";
import { runToEnd } from "../../src/engine/slices.ts";
import { verifyFiles } from "../../src/engine/verify.ts";
import { KvStore, KvsError, type OpenOptions } from "../../src/index.ts";
import type { SeededRandom } from "../support/random.ts";
import { type MachineState, SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";
import type { SimulatedTime } from "../support/simulated-time.ts";
import { type Entry, type History, textOf } from "./history.ts";
import { STORE } from "./life.ts";

/** What a store may hold: the content after some number of writes, from `least` to `most`. */
export interface Expectation {
  readonly history: History;
  readonly least: number;
  readonly most: number;
}

/** Later than every expiry. */
const END_OF_TIME_MS = 1e12;

/** Looks whether a store that was left by a crash keeps the invariants. */
export class Inspection {
  readonly #time: SimulatedTime;
  readonly #random: SeededRandom;
  readonly #options: OpenOptions;

  constructor(time: SimulatedTime, random: SeededRandom, options: OpenOptions) {
    this.#time = time;
    this.#random = random;
    this.#options = options;
  }

  /** Reads, writes to and sometimes compacts what is there; throws unless it is legal. How many writes are there. */
  async inspect(state: MachineState, expected: Expectation): Promise<number> {
    const machine = SimulatedMachine.afterDeaths(state);
    const found = this.#read(machine);
    const count = this.#match(found, expected);
    if (count === undefined) throw this.#wrong("when read", found, expected);
    const only = { ...expected, least: count, most: count };
    if (this.#random.below(6) === 0) this.#readWithoutDerived(state, only);
    await this.#writeTo(machine, only);
    return count;
  }

  #match(found: string, { history, least, most }: Expectation): number | undefined {
    for (let count = most; count >= least; count -= 1) {
      if (history.textAt(count, this.#time.now) === found) return count;
    }
    return undefined;
  }

  #expect(where: string, store: KvStore, expected: Expectation): void {
    const found = contentOf(store);
    if (this.#match(found, expected) === undefined) throw this.#wrong(where, found, expected);
  }

  /** Everything in the store: reading opens it without a human, changes nothing and leaves nothing open. */
  #read(machine: SimulatedMachine): string {
    const before = machine.changes;
    const process = new SimulatedProcess(machine);
    const found = this.#open(process, contentOf) ?? textOf([]);
    if (machine.changes !== before) throw new Error("Reading changed something");
    if (process.openFiles > 0) throw new Error(`Reading left ${process.openFiles} files open`);
    return found;
  }

  /** What a handle that only reads says; undefined where there is no store. */
  #open<T>(process: SimulatedProcess, read: (store: KvStore) => T): T | undefined {
    try {
      using store = KvStore.openOn(process, STORE, { ...this.#options, readOnly: true });
      return read(store);
    } catch (error) {
      if (error instanceof KvsError && error.code === "NO_STORE") return undefined;
      throw error;
    }
  }

  /** The logs are the truth: without indexes and LOCK the answers are the same. */
  #readWithoutDerived(state: MachineState, expected: Expectation): void {
    const machine = SimulatedMachine.afterDeaths(state);
    const process = new SimulatedProcess(machine);
    for (const name of process.list(STORE) ?? []) {
      const isDerived = name === LOCK_NAME || name === COMPACT_NAME || parseIndexName(name) !== undefined;
      if (isDerived) process.unlink(`${STORE}/${name}`);
    }
    this.#open(process, (store) => {
      this.#expect("without indexes and LOCK", store, expected);
      this.#expectSingly(store, expected);
    });
  }

  /** Recovers the store, writes to it, and may compact it: the content stays what it was. */
  async #writeTo(machine: SimulatedMachine, expected: Expectation): Promise<void> {
    const process = new SimulatedProcess(machine);
    const store = KvStore.openOn(process, STORE, this.#options);
    store.set("zz-probe", "1");
    store.delete("zz-probe");
    await Promise.resolve();
    this.#expect("after a write", store, expected);
    if (this.#random.below(3) === 0) expectVerified(process);
    if (this.#random.below(4) === 0) {
      await store.compact();
      this.#expect("after a compaction", store, expected);
      expectVerified(process);
      expectTidy(process);
    }
    store.close();
    if (process.openFiles > 0) throw new Error(`A handle left ${process.openFiles} files open`);
    this.#expectLater(machine, expected);
  }

  /** Dead stays dead, also what was left to die. */
  #expectLater(machine: SimulatedMachine, expected: Expectation): void {
    const { now } = this.#time;
    if (this.#random.below(2) === 0) this.#time.now += END_OF_TIME_MS;
    this.#open(new SimulatedProcess(machine), (store) => {
      this.#expect(`when reopened at ${this.#time.now}`, store, expected);
      this.#expectSingly(store, expected);
    });
    this.#time.now = now;
  }

  /** Asked key by key, a store says the same as when all of it is listed. */
  #expectSingly(store: KvStore, { history, most }: Expectation): void {
    const { now } = this.#time;
    const content = history.at(most);
    for (const key of history.keys) {
      const entry = content.get(key);
      const wanted =
        entry !== undefined && (entry.expiresAt === 0 || entry.expiresAt > now) ? entry.value : undefined;
      const found = store.get(key);
      if (found !== wanted)
        throw new Error(`"${key}" is ${brief(String(found))}, expected ${brief(String(wanted))}`);
    }
  }

  #wrong(where: string, found: string, { history, least, most }: Expectation): Error {
    const legal = [...new Set([most, least])].map((count) => history.textAt(count, this.#time.now));
    const range = least === most ? `after ${least} writes` : `after ${least} to ${most} writes`;
    return new Error(
      `${where}: found ${brief(found)}, expected the content ${range}: ${legal.map(brief).join(" ... ")}`,
    );
  }
}

/** All that a store holds. */
function contentOf(store: KvStore): string {
  const entries: Array<[string, Entry]> = [];
  for (const { key, value, expiresAt } of store.records()) {
    entries.push([
      Buffer.from(key).utf8Slice(),
      { value: Buffer.from(value).utf8Slice(), expiresAt: expiresAt ?? 0 },
    ]);
  }
  return textOf(entries);
}

/** Every checksum is right. */
function expectVerified(process: SimulatedProcess): void {
  const { damage } = runToEnd(verifyFiles(process, STORE));
  if (damage.length > 0) throw new Error(`verify found ${JSON.stringify(damage)}`);
}

/** What a compaction leaves is bounded: no rubbish, and two logs. */
function expectTidy(process: SimulatedProcess): void {
  const names = process.list(STORE) ?? [];
  const logs = names.filter((name) => name.endsWith(".log"));
  if (logs.length > 2 || names.some((name) => name.endsWith(".tmp"))) {
    throw new Error(`A compaction left ${names.join(" ")}`);
  }
}

function brief(text: string): string {
  return text.replace(/(?<run>(?<one>.)\k<one>{7})\k<one>+/g, "$<run>..");
}
