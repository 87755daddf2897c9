import { maintainStore } from "../../src/engine/maintain-store.ts";
import { resolveOptions } from "../../src/engine/options.ts";
import { type Durability, KvStore, type LogFormat, type OpenOptions } from "../../src/index.ts";
import type { SeededRandom } from "../support/random.ts";
import { writeShortly } from "../support/short-write.ts";
import type { MachineState, SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";
import type { SimulatedTime } from "../support/simulated-time.ts";
import { type Entry, type Frame, type History, isLive } from "./history.ts";

export const STORE = "/disk/store";

/** One moment of a life: what the disk is, and how much of the history must survive. */
export interface Moment {
  readonly state: MachineState;
  /** The call that is about to be made. */
  readonly call: string;
  readonly now: number;
  /** Writes that were begun, that survive the death of the process, and that survive a power cut. */
  readonly begun: number;
  readonly acknowledged: number;
  readonly durable: number;
}

interface OpenHandle {
  readonly store: KvStore;
  readonly process: SimulatedProcess;
  readonly isSync: boolean;
  /** How long the history was after its last write. */
  lastWrite: number;
}

/** What lives are lived by. */
export interface Circumstances {
  readonly machine: SimulatedMachine;
  readonly history: History;
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  readonly options: OpenOptions;
  /** How much of the history is durable from the start. */
  readonly durable: number;
}

const KEYS = ["", "a", "a/1", "a/2", "b", "c", "ü", "n", "zz"] as const;
const VALUES = ["", "1", "value", "x".repeat(90), "y".repeat(700), "line\nline", "z".repeat(5000)] as const;
const TTLS = [1, 50, 1000, 1_000_000] as const;

/** Processes that use one store on a simulated machine, and the account of what was promised to them. */
export class Life {
  readonly #at: Circumstances;
  readonly history: History;
  #handles: OpenHandle[] = [];
  #moments: Moment[] = [];
  #acknowledged: number;
  #durable: number;
  #noted = "";

  constructor(circumstances: Circumstances) {
    this.#at = circumstances;
    this.history = circumstances.history;
    this.#acknowledged = this.history.length;
    this.#durable = circumstances.durable;
  }

  /** The moments since this was called last. */
  takeMoments(): readonly Moment[] {
    this.#noteMoment("the end of a step");
    const moments = this.#moments;
    this.#moments = [];
    return moments;
  }

  open(): void {
    const process = this.#newProcess();
    const { options, random } = this.#at;
    const durability = options.durability ?? random.pick<Durability>(["os", "sync"]);
    const store = KvStore.openOn(process, STORE, { ...options, durability });
    this.#handles.push({ store, process, isSync: durability === "sync", lastWrite: 0 });
  }

  async set(key: string, value: string): Promise<void> {
    const handle = this.#handle();
    this.#write(handle, [{ key, value, expiresAt: 0 }], (store) => store.set(key, value));
    await this.endTick();
  }

  async compact(format?: LogFormat): Promise<void> {
    await this.#handle().store.compact(format === undefined ? {} : { format });
    await this.endTick();
  }

  close(): void {
    const handle = this.#handles.pop();
    handle?.store.close();
    if (handle !== undefined) this.#noteDurable(handle.lastWrite);
  }

  /** One step of a random life. */
  async step(): Promise<void> {
    const { random } = this.#at;
    if (this.#handles.length === 0) this.open();
    const kind = random.below(44);
    if (kind < 24) await this.#writeInOneTick();
    else if (kind < 27) await this.#flush();
    else if (kind < 30)
      await this.compact(random.pick<LogFormat | undefined>([undefined, undefined, "binary", "json"]));
    else if (kind < 32) this.#maintain();
    else if (kind < 34) this.#reopen();
    else if (kind < 36) this.#kill();
    else if (kind < 38 && this.#handles.length < 3) this.open();
    else if (kind >= 40) this.#writeShortly();
    else this.#at.time.now += random.pick(TTLS);
  }

  async endTick(): Promise<void> {
    await Promise.resolve();
    await Promise.resolve();
    this.#acknowledged = this.history.length;
  }

  /** Ends all processes at once. */
  end(): void {
    for (const { process } of this.#handles) process.kill();
    this.#handles = [];
  }

  #newProcess(): SimulatedProcess {
    return new SimulatedProcess(this.#at.machine, ({ method, path }) => {
      this.#noteMoment(`${method} ${path.slice(STORE.length + 1)}`);
      return undefined;
    });
  }

  #noteMoment(call: string): void {
    const { machine, time } = this.#at;
    const noted = `${machine.changes} ${this.history.length} ${this.#acknowledged} ${this.#durable} ${time.now}`;
    if (noted === this.#noted) return;
    this.#noted = noted;
    this.#moments.push({
      state: machine.capture(),
      call,
      now: time.now,
      begun: this.history.length,
      acknowledged: this.#acknowledged,
      durable: this.#durable,
    });
  }

  #handle(): OpenHandle {
    const handle = this.#handles[this.#at.random.below(this.#handles.length)];
    if (handle === undefined) throw new Error("A handle is open");
    return handle;
  }

  #noteDurable(count: number): void {
    this.#durable = Math.max(this.#durable, count);
  }

  async #flush(): Promise<void> {
    const handle = this.#handle();
    await handle.store.flush();
    await this.endTick();
    this.#noteDurable(handle.lastWrite);
  }

  #maintain(): void {
    const process = this.#newProcess();
    maintainStore(process, STORE, { ...resolveOptions(this.#at.options), autoCompact: true });
    if (process.openFiles > 0) throw new Error(`Maintenance left ${process.openFiles} files open`);
  }

  #reopen(): void {
    const { random } = this.#at;
    const [handle] = this.#handles.splice(random.below(this.#handles.length), 1);
    if (handle === undefined) return;
    const durability = random.pick<Durability>(["os", "sync"]);
    handle.store.close({ durability });
    if (durability === "sync") this.#noteDurable(handle.lastWrite);
    if (handle.process.openFiles > 0) throw new Error(`A handle left ${handle.process.openFiles} files open`);
    this.open();
  }

  #kill(): void {
    const [handle] = this.#handles.splice(this.#at.random.below(this.#handles.length), 1);
    handle?.process.kill();
  }

  async #writeInOneTick(): Promise<void> {
    const handle = this.#handle();
    for (let left = 1 + this.#at.random.below(3); left > 0; left -= 1) this.#writeSomething(handle);
    await this.endTick();
  }

  /** What `kvs set` does: a process that writes once, and opens a handle only where it has to. */
  #writeShortly(): void {
    const { options, random } = this.#at;
    const process = this.#newProcess();
    const durability = options.durability ?? random.pick<Durability>(["os", "sync"]);
    const write = { key: random.pick(KEYS), value: random.pick(VALUES), expiresAt: 0, durability };
    this.history.push([{ key: write.key, value: write.value, expiresAt: 0 }]);
    if (!writeShortly(process, STORE, write)) {
      const store = KvStore.openOn(process, STORE, { ...options, durability });
      store.set(write.key, write.value);
      store.close();
    }
    if (process.openFiles > 0) throw new Error(`A short write left ${process.openFiles} files open`);
    this.#acknowledged = this.history.length;
    if (durability === "sync") this.#noteDurable(this.history.length);
  }

  #writeSomething(handle: OpenHandle): void {
    const { random, time } = this.#at;
    const [key, value, other] = [random.pick(KEYS), random.pick(VALUES), random.pick(KEYS)];
    const old = this.#live(key);
    const expiresAt = old?.expiresAt ?? 0;
    const kind = random.below(16);
    if (kind < 5) {
      this.#write(handle, [{ key, value, expiresAt: 0 }], (store) => store.set(key, value));
    } else if (kind < 7) {
      const ttlMs = random.pick(TTLS);
      this.#write(handle, [{ key, value, expiresAt: time.now + ttlMs }], (store) =>
        store.set(key, value, { ttlMs }),
      );
    } else if (kind < 10) {
      const frame = old === undefined ? [] : [{ key, value: undefined, expiresAt: 0 }];
      this.#write(handle, frame, (store) => store.delete(key));
    } else if (kind < 13) {
      const frame = [
        { key, value, expiresAt: 0 },
        { key: other, value: undefined, expiresAt: 0 },
        { key: "batch", value: key, expiresAt: time.now + 500 },
      ];
      this.#write(handle, frame, (store) =>
        store.batch([{ set: [key, value] }, { remove: other }, { set: ["batch", key], ttlMs: 500 }]),
      );
    } else if (kind === 13 && (old?.value.length ?? 0) < 6000) {
      const joined = (old?.value ?? "") + value;
      this.#write(handle, [{ key, value: joined, expiresAt }], (store) => store.append(key, value));
    } else if (kind === 14) {
      const frame = old === undefined ? [] : [{ key, value: old.value, expiresAt: time.now + 70 }];
      this.#write(handle, frame, (store) => store.expire(key, 70));
    } else {
      const gone = [...this.history.content.keys()].filter((one) => one.startsWith("a/") && this.#live(one));
      const frame = gone.map((one) => ({ key: one, value: undefined, expiresAt: 0 }));
      this.#write(handle, frame, (store) => store.deletePrefix("a/"));
    }
  }

  #write(handle: OpenHandle, frame: Frame, run: (store: KvStore) => unknown): void {
    if (frame.length > 0) this.history.push(frame);
    run(handle.store);
    if (frame.length > 0) handle.lastWrite = this.history.length;
    if (!handle.isSync) return;
    // An answer that wrote nothing rests on what others wrote: that is durable as well.
    this.#acknowledged = this.history.length;
    this.#noteDurable(this.history.length);
  }

  #live(key: string): Entry | undefined {
    const entry = this.history.content.get(key);
    return entry !== undefined && isLive(entry, this.#at.time.now) ? entry : undefined;
  }
}
