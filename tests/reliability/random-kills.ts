import { existsSync, readdirSync } from "node:fs";
import { parseLogName } from "../../src/disk/file-names.ts";
import { KvStore, type OpenOptions } from "../../src/index.ts";
import { contentOf } from "../support/damage.ts";
import { startJob } from "../support/processes.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { inDirectory } from "../support/temporary.ts";
import type { Campaign, Outcome } from "./campaign.ts";
import { requireSound } from "./survival.ts";

const LIVES = 3;
const MOST_WRITERS = 8;

/** Writes after which a writer is killed, at the earliest and the latest. */
const FIRST_DEATH = 20;
const LAST_DEATH = 100;

export const randomKills: Campaign = {
  name: "random-kills",
  test: 6,
  shows:
    "1 to 5: 1 to 8 writers, 2 readers and a compactor, each killed at a random moment, in lives that rotate and compact",
  unit: "kills",
  full: 10_000,
  run: (seed) => inDirectory((path) => new Lives(path, seed).run()),
};

/** A process that counts what it does, a line each, until it is killed. */
class Doomed {
  readonly #process: ReturnType<typeof startJob>;
  readonly #reading: Promise<void>;
  readonly #stderr: Promise<string>;
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers();
  #killAt = Number.POSITIVE_INFINITY;
  tries = 0;
  dones = 0;

  constructor(process: ReturnType<typeof startJob>) {
    this.#process = process;
    this.#reading = this.#read();
    this.#stderr = process.stderr.text();
  }

  /** Comes when it has done its first work. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  killAfter(dones: number): void {
    this.#killAt = this.dones + dones;
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** Waits for its death; throws if that was not by a kill. */
  async death(): Promise<void> {
    await Promise.all([this.#reading, this.#process.exited]);
    const stderr = await this.#stderr;
    if (this.#process.signalCode !== "SIGKILL" || stderr !== "")
      throw new Error(`it ended by itself: ${this.#process.exitCode} ${stderr}`);
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#process.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#count(line);
      if (this.dones >= this.#killAt) this.kill();
    }
    this.#started.resolve();
  }

  #count(line: string): void {
    if (line.startsWith("try")) this.tries += 1;
    else if (line.startsWith("done")) this.dones += 1;
    else throw new Error(line);
    if (this.dones > 0) this.#started.resolve();
  }
}

/** A writer's name and seed, by which its writes are known. */
interface Writer {
  readonly name: string;
  readonly seed: number;
  readonly process: Doomed;
}

class Lives {
  readonly #path: string;
  readonly #random: SeededRandom;
  readonly #options: OpenOptions;
  readonly #running = new Set<Doomed>();
  #kills = 0;

  constructor(path: string, seed: number) {
    this.#path = path;
    this.#random = seededRandom(seed);
    this.#options = {
      generationBytes: this.#random.pick([300, 400, 1000]),
      format: this.#random.pick(["binary", "binary", "json"]),
      durability: this.#random.pick(["os", "os", "os", "sync"]),
      mmap: this.#random.below(2) === 0,
    };
  }

  async run(): Promise<Outcome> {
    try {
      for (let life = 0; life < LIVES; life += 1) {
        await this.#live(life);
        this.#running.clear();
        await this.#bury();
      }
      return { cases: this.#kills, failures: [] };
    } catch (error) {
      const story = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { cases: this.#kills, failures: [`${JSON.stringify(this.#options)}: ${story}`] };
    } finally {
      for (const process of this.#running) process.kill();
    }
  }

  async #live(life: number): Promise<void> {
    const before = this.#generation();
    const writers = Array.from({ length: 1 + this.#random.below(MOST_WRITERS) }, (_, index): Writer => {
      const [name, seed] = [`life${life}w${index}`, life + index];
      return { name, seed, process: this.#start(["write", this.#path, name, String(seed)]) };
    });
    // There must be a store before it can be read.
    await Promise.all(writers.map(({ process }) => process.started));
    const others = [this.#start(["compact", this.#path]), ...this.#startReaders()];
    await Promise.all(others.map((other) => other.started));
    for (const { process } of writers)
      process.killAfter(FIRST_DEATH + this.#random.below(LAST_DEATH - FIRST_DEATH));
    await Promise.all(writers.map(({ process }) => process.death()));
    for (const other of others) other.kill();
    await Promise.all(others.map((other) => other.death()));
    this.#kills += writers.length + others.length;

    if (this.#generation() === before) throw new Error("this life has not rotated");
    await requireSound(this.#path, "as it was left");
    const found = contentOf(this.#path);
    for (const writer of writers) requireKept(writer, found);
  }

  #startReaders(): Doomed[] {
    return [true, false].map((mmap) => this.#start(["read", this.#path], { mmap }));
  }

  #start(job: Parameters<typeof startJob>[0], options: OpenOptions = {}): Doomed {
    const process = new Doomed(startJob(job, { ...this.#options, ...options }));
    this.#running.add(process);
    return process;
  }

  /** The number of the newest generation. */
  #generation(): number {
    const names = existsSync(this.#path) ? readdirSync(this.#path) : [];
    return Math.max(0, ...names.map((name) => parseLogName(name)?.last ?? 0));
  }

  /** The next life starts on what this one has left. */
  async #bury(): Promise<void> {
    using store = KvStore.open(this.#path, this.#options);
    store.deletePrefix("life");
    if (store.count() > 0) throw new Error("some keys cannot be removed");
    if (this.#random.below(2) === 0) await store.compact();
    const left = contentOf(this.#path);
    if (left.length > 0) throw new Error(`removed keys are back: ${JSON.stringify(left)}`);
    await requireSound(this.#path, "buried");
  }
}

/** A writer's keys are as they were after the last write that it said was done, or the one it had begun. */
function requireKept({ name, seed, process }: Writer, found: readonly (readonly [string, string])[]): void {
  const mine = JSON.stringify(found.filter(([key]) => key.startsWith(`${name}/`)));
  const allowed = [process.dones, process.tries].map((rounds) => stateAfter(rounds, name, seed));
  if (!allowed.includes(mine))
    throw new Error(`${name} holds ${mine} after ${process.dones} writes, expected ${allowed.join(" or ")}`);
}

/** What one writer's keys hold after this many of its rounds; must do what `writeUntilKilled` does. */
function stateAfter(rounds: number, name: string, seed: number): string {
  const state = new Map<string, string>();
  for (let round = 0; round < rounds; round += 1) {
    const kind = (round * 7 + seed) % 5;
    const key = `${name}/${round % 17}`;
    if (kind === 0) state.delete(key);
    else if (kind === 1) {
      for (const one of [`${name}/x`, `${name}/y`, key]) state.set(one, String(round));
    } else state.set(key, String(round));
  }
  return JSON.stringify([...state].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
