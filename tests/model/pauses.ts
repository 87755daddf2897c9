import { KvsError } from "../../src/index.ts";
import type { Campaign, Outcome } from "../reliability/campaign.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { endTick } from "../support/scripted-run.ts";
import { Death, type Decide } from "../support/simulated-disk/call.ts";
import type { SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { drawnFate } from "../support/simulated-disk/power-cut.ts";
import { inSimulatedTime, type SimulatedTime } from "../support/simulated-time.ts";
import { type Action, CHANGES, LET_EXPIRE, REOPEN, ROTATE } from "./actions.ts";
import { compact, maintain, rangesOf } from "./other-process.ts";
import { situationAt, type Start } from "./starts.ts";
import { type Situation, World } from "./world.ts";

/** Most steps that lead to the store that is merged. */
const STEPS = 14;

/** A merge, with whoever interrupts it or kills it. */
type Merge = (machine: SimulatedMachine, decide?: Decide) => void;

const NOTHING: Action = { name: "nothing", run: () => undefined };

/** What others do while a merge stands still. */
const ACTIONS: readonly [Action, ...Action[]] = [NOTHING, LET_EXPIRE, ROTATE, REOPEN, ...CHANGES];

/** Where the merge holds the write lock, these would wait for it. */
const WAITING: ReadonlySet<Action> = new Set([ROTATE, REOPEN, ...CHANGES]);

const CASES_A_CALL = 3;

/** What becomes of the merge after that. */
const ENDS = ["it goes on", "it dies at once", "it dies later"] as const;

/** At every call of a merge somebody else does something, or the merge dies, or both. */
export const pauses: Campaign = {
  name: "pauses",
  test: 12,
  shows:
    "2, 5 and 7: at every call of a merge another handle writes, rotates or reopens, and the merge may die",
  unit: "pauses",
  full: 1_000_000,
  run: (seed) => inSimulatedTime(seed, (time) => new Pauses(seed, time).run()),
};

class Pauses {
  readonly #time: SimulatedTime;
  readonly #random: SeededRandom;
  readonly #start: Start;
  readonly #failures: string[] = [];
  #cases = 0;

  constructor(seed: number, time: SimulatedTime) {
    this.#time = time;
    this.#random = seededRandom(seed);
    this.#start = this.#random.pick<Start>(["sealed", "sealed", "new, JSON", "original"]);
  }

  async run(): Promise<Outcome> {
    const situation = await this.#lead();
    const world = this.#worldAt(situation);
    const merge = this.#drawnMerge(world.machine);
    let calls = 0;
    merge(world.machine, () => void (calls += 1));
    for (let hook = 0; hook < calls; hook += 1) await this.#pauseAt(situation, merge, hook, calls);
    return { cases: this.#cases, failures: this.#failures };
  }

  /** Any that could be made, or those that are due. */
  #drawnMerge(machine: SimulatedMachine): Merge {
    const ranges = rangesOf(machine);
    const range = ranges[this.#random.below(2 * ranges.length + 1)];
    return range === undefined ? maintain : (on, decide) => compact(on, range, decide);
  }

  /** A store of several logs, in which keys were set, removed and expired. */
  async #lead(): Promise<Situation> {
    const world = this.#worldAt(situationAt(this.#start, this.#time.now));
    for (let steps = 1 + this.#random.below(STEPS), step = 0; step < steps; step += 1) {
      const actions = [...CHANGES, ROTATE, ROTATE, LET_EXPIRE];
      actions[this.#random.below(actions.length)]?.run(world, `v${step}`);
      await endTick();
    }
    return world.end();
  }

  #worldAt(situation: Situation): World {
    return new World(this.#time, situation, this.#start === "new, JSON" ? "json" : "binary");
  }

  async #pauseAt(situation: Situation, merge: Merge, hook: number, calls: number): Promise<void> {
    for (let left = CASES_A_CALL; left > 0; left -= 1) {
      const action = this.#random.pick(ACTIONS);
      const end = this.#random.pick(ENDS);
      const death = end === "it dies at once" ? hook : hook + 1 + this.#random.below(calls - hook);
      this.#cases += 1;
      try {
        await this.#pause(situation, merge, {
          hook,
          action,
          death: end === "it goes on" ? undefined : death,
        });
      } catch (error) {
        this.#failures.push(`at call ${hook} of the merge: ${action.name}; ${end}: ${describe(error)}`);
      }
    }
  }

  async #pause(
    situation: Situation,
    merge: Merge,
    {
      hook,
      action,
      death,
    }: { readonly hook: number; readonly action: Action; readonly death: number | undefined },
  ): Promise<void> {
    const world = this.#worldAt(situation);
    world.check();
    const decide: Decide = ({ index, method }) => {
      if (index === hook && (!world.isLocked || !WAITING.has(action))) {
        action.run(world, "meanwhile");
        world.check();
      }
      return index === death ? { error: new Death(method) } : undefined;
    };
    merge(world.machine, decide);
    await endTick();
    world.check();
    world.checkFiles();
    const noise = this.#start !== "new, JSON";
    if (this.#random.below(2) === 0) world.cutPower(drawnFate(this.#random, { noise }));
    await world.compactAll();
    world.check();
    world.checkFiles();
    world.end();
  }
}

function describe(error: unknown): string {
  if (error instanceof KvsError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
