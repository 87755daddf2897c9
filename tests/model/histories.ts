import { KvsError, type LogFormat } from "../../src/index.ts";
import type { Campaign, Outcome } from "../reliability/campaign.ts";
import { endTick } from "../support/scripted-run.ts";
import { inSimulatedTime, type SimulatedTime } from "../support/simulated-time.ts";
import { type Action, actionsAt } from "./actions.ts";
import { situationAt, type Start } from "./starts.ts";
import { type Situation, World } from "./world.ts";

/** Those of CI come first, the longest last. */
const PARTS = [
  { start: "sealed", length: 5 },
  { start: "new", length: 4 },
  { start: "new, JSON", length: 4 },
  { start: "original", length: 4 },
  { start: "new", length: 6 },
  { start: "original", length: 5 },
  { start: "sealed", length: 6 },
  { start: "new", length: 7 },
] as const satisfies ReadonlyArray<{ readonly start: Start; readonly length: number }>;

/** A run is all histories that begin with the same two steps: with few logs, nothing else is possible. */
const FIRST_ACTIONS = 14;
const RUNS_A_PART = FIRST_ACTIONS ** 2;

/** Everything that can happen to two keys, in every order. */
export const histories: Campaign = {
  name: "histories",
  test: 11,
  shows:
    "5 and 6: all histories of two keys: writes, expiry, rotations, merges of any range, deaths, power cuts",
  unit: "histories",
  runs: RUNS_A_PART * PARTS.length,
  full: 70_000_000,
  run: (seed) => inSimulatedTime(1, (time) => new Histories(time, seed).run()),
};

/** One history after another, by way of what they begin with: a situation is made once and gone on from many times. */
class Histories {
  readonly #time: SimulatedTime;
  readonly #part: (typeof PARTS)[number];
  readonly #first: readonly [number, number];
  readonly #failures: string[] = [];
  readonly #format: LogFormat;
  #cases = 0;

  constructor(time: SimulatedTime, seed: number) {
    this.#time = time;
    this.#part = PARTS[Math.floor(seed / RUNS_A_PART)] ?? PARTS[0];
    this.#format = this.#part.start === "new, JSON" ? "json" : "binary";
    const start = seed % RUNS_A_PART;
    this.#first = [Math.floor(start / FIRST_ACTIONS), start % FIRST_ACTIONS];
  }

  async run(): Promise<Outcome> {
    await this.#goOn(situationAt(this.#part.start, this.#time.now), []);
    return { cases: this.#cases, failures: this.#failures };
  }

  async #goOn(situation: Situation, past: readonly string[]): Promise<void> {
    const only = this.#first[past.length];
    const actions = this.#actionsAt(situation);
    for (const action of only === undefined ? actions : actions.slice(only, only + 1)) {
      const names = [...past, action.name];
      const isLast = names.length === this.#part.length;
      try {
        const after = await this.#step(situation, action, { value: `v${names.length}`, isLast });
        if (isLast) this.#cases += 1;
        else await this.#goOn(after, names);
      } catch (error) {
        this.#failures.push(`${names.join(", ")}: ${describe(error)}`);
      }
    }
  }

  #actionsAt(situation: Situation): readonly Action[] {
    const world = new World(this.#time, situation, this.#format);
    const actions = actionsAt(world);
    world.end();
    return actions;
  }

  /** A handle that was open before says what it must, and so does another one after the last step. */
  async #step(
    situation: Situation,
    action: Action,
    { value, isLast }: { readonly value: string; readonly isLast: boolean },
  ): Promise<Situation> {
    const world = new World(this.#time, situation, this.#format);
    world.check();
    action.run(world, value);
    await endTick();
    world.check();
    if (isLast) world.checkFiles();
    return world.end();
  }
}

function describe(error: unknown): string {
  if (error instanceof KvsError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
