import { tile } from "../../src/engine/tiling.ts";
import { verifyFiles } from "../../src/engine/verify.ts";
import { parseLogName } from "../../src/disk/file-names.ts";
import { runToEnd } from "../../src/engine/slices.ts";
import { KvStore, type LogFormat } from "../../src/index.ts";
import { type Content, type Entry, isLive, textOf } from "../reliability/history.ts";
import { type MachineState, SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { ALL_LOST, afterPowerCut, type Fate } from "../support/simulated-disk/power-cut.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";
import type { SimulatedTime } from "../support/simulated-time.ts";
import { STORE } from "./other-process.ts";

export const KEYS = ["a", "b"] as const;

/** A moment of a history at which no process runs: what the disk holds, and what the store must say. */
export interface Situation {
  readonly state: MachineState;
  readonly content: Content;
  readonly now: number;
}

/** A machine with one handle that stays open while others do something to the store. */
export class World {
  machine: SimulatedMachine;
  readonly #time: SimulatedTime;
  readonly #format: LogFormat;
  #process: SimulatedProcess;
  #store: KvStore;
  readonly #content: Map<string, Entry>;

  constructor(time: SimulatedTime, { state, content, now }: Situation, format: LogFormat) {
    this.#time = time;
    this.#format = format;
    time.now = now;
    this.machine = SimulatedMachine.afterDeaths(state);
    this.#content = new Map(content);
    this.#process = new SimulatedProcess(this.machine);
    this.#store = this.#open();
  }

  /** Writes through the handle; `write` says what becomes of the entry. */
  change(
    key: string,
    entry: (old: Entry | undefined, now: number) => Entry | undefined,
    write: (store: KvStore) => void,
  ): void {
    const old = this.#content.get(key);
    const { now } = this.#time;
    const changed = entry(old !== undefined && isLive(old, now) ? old : undefined, now);
    write(this.#store);
    if (changed === undefined) this.#content.delete(key);
    else this.#content.set(key, changed);
  }

  wait(ms: number): void {
    this.#time.now += ms;
  }

  /** The power fails; unless it is said otherwise, nothing survives but what was synced. */
  cutPower(fate: Fate = ALL_LOST): void {
    this.#restart(afterPowerCut(this.#kill(), fate));
  }

  /** The handle is closed, another one opened. */
  reopen(): void {
    this.#store.close();
    if (this.#process.openFiles > 0) throw new Error(`A handle left ${this.#process.openFiles} files open`);
    this.#restart(this.machine);
  }

  /** Everything is merged: nothing unfinished is left, and no log that another one stands for. */
  async compactAll(): Promise<void> {
    await this.#store.compact();
    const names = new SimulatedProcess(this.machine).list(STORE) ?? [];
    const { superseded } = tile(
      names.flatMap((name) => parseLogName(name) ?? []),
      () => true,
    );
    if (superseded.length > 0 || names.some((name) => name.endsWith(".tmp")))
      throw new Error(`A compaction left ${names.join(" ")}`);
  }

  /** Whether somebody writes: others would wait for them. */
  get isLocked(): boolean {
    return this.machine.file(`${STORE}/LOCK`)?.lockedBy !== undefined;
  }

  /** All handles end, and something is done to the files before the next is opened. */
  between(work: (machine: SimulatedMachine) => void): void {
    this.#process.kill();
    work(this.machine);
    this.#restart(this.machine);
  }

  /** The open handle says what it must. */
  check(): void {
    this.#expect(this.#store, "the open handle");
  }

  /** So does one that is opened to read, and every checksum is right. */
  checkFiles(): void {
    const process = new SimulatedProcess(this.machine);
    {
      using store = KvStore.openOn(process, STORE, { readOnly: true });
      this.#expect(store, "a new handle");
    }
    const { damage } = runToEnd(verifyFiles(process, STORE));
    if (damage.length > 0) throw new Error(`verify found ${JSON.stringify(damage)}`);
    if (process.openFiles > 0) throw new Error(`A reader left ${process.openFiles} files open`);
  }

  /** Ends the handle without closing it. */
  end(): Situation {
    return { state: this.#kill(), content: this.#content, now: this.#time.now };
  }

  #open(): KvStore {
    return KvStore.openOn(this.#process, STORE, {
      durability: "sync",
      format: this.#format,
      autoCompact: false,
    });
  }

  #kill(): MachineState {
    this.#process.kill();
    return this.machine.capture();
  }

  #restart(machine: SimulatedMachine): void {
    this.machine = machine;
    this.#process = new SimulatedProcess(machine);
    this.#store = this.#open();
  }

  #expect(store: KvStore, who: string): void {
    const { now } = this.#time;
    const live = [...this.#content].filter(([, entry]) => isLive(entry, now));
    const wanted = textOf(live.toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const found = textOf(
      Array.from(store.records(), ({ key, value, expiresAt }): [string, Entry] => [
        Buffer.from(key).latin1Slice(),
        { value: Buffer.from(value).latin1Slice(), expiresAt: expiresAt ?? 0 },
      ]),
    );
    if (found !== wanted) throw new Error(`${who} lists ${found}, expected ${wanted}`);
    for (const key of KEYS) {
      const [value, expected] = [store.get(key), live.find(([name]) => name === key)?.[1].value];
      if (value !== expected) throw new Error(`${who} says "${key}" is ${value}, expected ${expected}`);
    }
  }
}
