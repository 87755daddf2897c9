import { maintainStore } from "../../src/engine/maintain-store.ts";
import { resolveOptions } from "../../src/engine/options.ts";
import { KvStore, KvsError, type OpenOptions } from "../../src/index.ts";
import type { SeededRandom } from "../support/random.ts";
import { writeShortly } from "../support/short-write.ts";
import { endTick } from "../support/scripted-run.ts";
import { SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { afterPowerCut, ALL_LOST, drawnFate } from "../support/simulated-disk/power-cut.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";
import type { SimulatedTime } from "../support/simulated-time.ts";
import type { FaultInjector } from "./fault.ts";
import { type Frame, History } from "./history.ts";
import { Inspection } from "./inspection.ts";
import { STORE } from "./life.ts";
import type { Step, Write } from "./script.ts";

/** What an error of the disk may come out as. */
const SURFACING: ReadonlySet<string> = new Set(["IO", "POISONED", "LOCKED"]);

/** Power cuts in one run. */
const MOST_CUTS = 4;

export interface FaultyRunContext {
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  readonly options: OpenOptions;
}

interface OpenHandle {
  readonly store: KvStore;
  readonly process: SimulatedProcess;
  /** How long the history was after its last write: what a sync of this handle covers. */
  lastWrite: number;
}

/** A script that goes on after every error, and knows after each of them what the store may hold. */
export class FaultyRun {
  readonly #at: FaultyRunContext;
  readonly #faults: FaultInjector;
  readonly #machine: SimulatedMachine = SimulatedMachine.create();
  readonly #inspection: Inspection;
  #history = new History();
  /** How many writes must be there: after the death of the process, and after a power cut. */
  #acknowledged = 0;
  #durable = 0;
  #cuts = 0;
  #open: OpenHandle | undefined;

  constructor(context: FaultyRunContext, faults: FaultInjector) {
    this.#at = context;
    this.#faults = faults;
    this.#inspection = new Inspection(context.time, context.random, context.options);
  }

  async run(script: readonly Step[]): Promise<void> {
    for (const step of script) await this.#try(step.name, () => this.#carryOut(step));
    await this.#try("close", () => this.#close());
    this.#giveUp();
    this.#faults.mend();
    await this.#end();
  }

  async #carryOut(step: Step): Promise<void> {
    if (step.kind === "wait") this.#at.time.now += step.ms;
    if (step.kind === "reopen") this.#close();
    if (step.kind === "maintain") this.#maintain();
    if (step.kind === "short write") this.#writeShortly(step);
    if (step.kind === "write" || step.kind === "call") await this.#use(step);
  }

  /** What `kvs set` does: a process that writes once, and opens a handle only where it has to. */
  #writeShortly({ key, value }: Step & { readonly kind: "short write" }): void {
    const process = this.#newProcess();
    const durability = this.#at.options.durability ?? "sync";
    this.#history.push([{ key, value, expiresAt: 0 }]);
    try {
      if (!writeShortly(process, STORE, { key, value, expiresAt: 0, durability })) {
        const store = KvStore.openOn(process, STORE, this.#at.options);
        try {
          store.set(key, value);
        } finally {
          store.close();
        }
      }
      this.#acknowledged = this.#history.length;
      if (durability === "sync") this.#durable = this.#history.length;
    } finally {
      expectClosed(process, "A short write");
    }
  }

  async #use(step: Step & { readonly kind: "write" | "call" }): Promise<void> {
    const open = (this.#open ??= this.#openStore());
    if (step.kind === "write") this.#write(open, step.writes);
    else await step.run(open.store);
    await endTick();
    // What went wrong at the end of the tick is thrown by the next call.
    open.store.has("a");
    this.#acknowledged = this.#history.length;
    if (step.kind === "call" && step.syncs) this.#noteDurable(open);
  }

  #write(open: OpenHandle, writes: readonly Write[]): void {
    for (const { frameOf, run } of writes) {
      const frame: Frame = frameOf(this.#history.content, this.#at.time.now);
      if (frame.length > 0) this.#history.push(frame);
      run(open.store);
      if (frame.length > 0) open.lastWrite = this.#history.length;
      // An answer that wrote nothing rests on what others wrote: that is durable as well.
      if (this.#at.options.durability !== "os") this.#durable = this.#acknowledged = this.#history.length;
    }
  }

  #noteDurable({ lastWrite }: OpenHandle): void {
    this.#durable = Math.max(this.#durable, lastWrite);
  }

  #openStore(): OpenHandle {
    const process = this.#newProcess();
    try {
      return { store: KvStore.openOn(process, STORE, this.#at.options), process, lastWrite: 0 };
    } catch (error) {
      expectClosed(process, "An open that failed");
      throw error;
    }
  }

  #maintain(): void {
    const process = this.#newProcess();
    try {
      maintainStore(process, STORE, resolveOptions(this.#at.options));
    } finally {
      expectClosed(process, "Maintenance");
    }
  }

  #close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    try {
      open.store.close();
      this.#acknowledged = this.#history.length;
      this.#noteDurable(open);
    } finally {
      expectClosed(open.process, "A handle that was closed");
    }
  }

  #newProcess(): SimulatedProcess {
    return new SimulatedProcess(this.#machine, (call) => this.#faults.decide(call));
  }

  async #try(what: string, work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof KvsError) || !SURFACING.has(error.code)) throw error;
      await endTick();
      await this.#resolve(what, error);
    }
  }

  /** Finds out what a step that failed has left; whatever that is, it stays so. */
  async #resolve(what: string, error: KvsError): Promise<void> {
    const most = this.#history.length;
    const state = this.#machine.capture();
    const { random, options } = this.#at;
    try {
      const expected = { history: this.#history, most };
      const count = await this.#inspection.inspect(state, { ...expected, least: this.#acknowledged });
      const noise = options.format !== "json";
      for (const fate of [ALL_LOST, drawnFate(random, { noise })]) {
        // What fails for ever fails the same way every time.
        if (this.#cuts >= MOST_CUTS) break;
        this.#cuts += 1;
        const after = afterPowerCut(state, fate).capture();
        await this.#inspection.inspect(after, { ...expected, least: this.#durable });
      }
      this.#history = this.#history.fork(count);
      this.#acknowledged = count;
      this.#durable = Math.min(this.#durable, count);
      if (this.#open !== undefined) this.#open.lastWrite = Math.min(this.#open.lastWrite, count);
    } catch (failure) {
      throw new Error(`after "${what}" threw ${error.message}`, { cause: failure });
    }
    if (!this.#works()) this.#giveUp();
  }

  /** Whether the handle can still be used; if so, it says what is there. */
  #works(): boolean {
    const store = this.#open?.store;
    if (store === undefined) return true;
    try {
      store.delete("no such key");
    } catch {
      return false;
    }
    return true;
  }

  /** Closes a handle that has failed: it may say so once more. */
  #giveUp(): void {
    try {
      this.#close();
    } catch (error) {
      if (!(error instanceof KvsError)) throw error;
    }
  }

  /** Nothing fails any more: the store goes on from where it was, and what it holds is durable. */
  async #end(): Promise<void> {
    const exactly = { history: this.#history, least: this.#history.length, most: this.#history.length };
    await this.#inspection.inspect(this.#machine.capture(), exactly);
    const { store, process } = this.#openStore();
    store.set("end", "1");
    this.#history.push([{ key: "end", value: "1", expiresAt: 0 }]);
    store.close();
    expectClosed(process, "The last handle");
    const { length } = this.#history;
    const after = afterPowerCut(this.#machine.capture(), ALL_LOST).capture();
    await this.#inspection.inspect(after, { history: this.#history, least: length, most: length });
  }
}

function expectClosed(process: SimulatedProcess, who: string): void {
  if (process.openFiles > 0) throw new Error(`${who} left ${process.openFiles} files open`);
}
