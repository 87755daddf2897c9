import { KvsError, type OpenOptions } from "../../src/index.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { type Flaws, type MachineState, SimulatedMachine } from "../support/simulated-disk/machine.ts";
import {
  afterPowerCut,
  ALL_LOST,
  changesAtRisk,
  CONTENT_LOST,
  drawnFate,
  type Fate,
  NAMES_LOST,
  NOTHING_LOST,
} from "../support/simulated-disk/power-cut.ts";
import { inSimulatedTime, type SimulatedTime } from "../support/simulated-time.ts";
import type { Campaign, Outcome } from "./campaign.ts";
import { History } from "./history.ts";
import { Inspection } from "./inspection.ts";
import { Life, type Moment } from "./life.ts";

const STEPS = 40;
const FATES_A_MOMENT = 6;

/** The power may be cut in a recovery, and in the recovery from that, and no further. */
const DEEPEST = 2;

/** So many crashes, on average, for one whose recovery is cut; and so many moments of a recovery for one at which it is. */
const CRASHES_A_RECOVERY = 150;
const RECOVERY_MOMENTS_A_CUT = 3;

const CERTAIN: ReadonlyArray<readonly [string, Fate]> = [
  ["nothing lost", NOTHING_LOST],
  ["all lost", ALL_LOST],
  ["names lost", NAMES_LOST],
  ["content lost", CONTENT_LOST],
];

/** Cuts the power at every call of random runs; what is left must be what was promised. */
export const powerCut: Campaign = {
  name: "power-cut",
  test: 7,
  shows: "1 to 7 and 9: a power cut, or a kill, at every call, and again while that is recovered",
  unit: "states",
  full: 2_500_000,
  run: (seed) => cutPower(seed),
};

/** One run, on a disk that may have flaws. */
export function cutPower(seed: number, flaws: Flaws = {}): Promise<Outcome> {
  return inSimulatedTime(seed, (time) => new PowerCutRun(seed, time).run(SimulatedMachine.create(flaws)));
}

class PowerCutRun {
  readonly #time: SimulatedTime;
  readonly #random: SeededRandom;
  readonly #options: OpenOptions;
  readonly #failures: string[] = [];
  #states = 0;

  constructor(seed: number, time: SimulatedTime) {
    this.#time = time;
    this.#random = seededRandom(seed);
    this.#options = drawnOptions(this.#random);
  }

  async run(machine: SimulatedMachine): Promise<Outcome> {
    const life = this.#startLife(machine, new History(), 0);
    try {
      for (let step = 0; step < STEPS && this.#failures.length === 0; step += 1) {
        await life.step();
        await this.#inspectAll(life, FATES_A_MOMENT, 0);
      }
    } catch (error) {
      this.#failures.push(`the run itself failed: ${describe(error)}`);
    }
    life.end();
    return { cases: this.#states, failures: this.#failures };
  }

  #startLife(machine: SimulatedMachine, history: History, durable: number): Life {
    return new Life({
      machine,
      history,
      durable,
      time: this.#time,
      random: this.#random,
      options: this.#options,
    });
  }

  /** Kills all processes at each moment, and cuts the power in several ways. */
  async #inspectAll(life: Life, fates: number, depth: number): Promise<void> {
    const { now } = this.#time;
    for (const moment of life.takeMoments()) {
      if (depth > 0 && this.#random.below(RECOVERY_MOMENTS_A_CUT) > 0) continue;
      for (const left of this.#crashesAt(moment, fates))
        await this.#inspect(life.history, moment, left, depth);
    }
    this.#time.now = now;
  }

  *#crashesAt({ state, acknowledged, durable }: Moment, fates: number): Generator<Left> {
    yield { what: "killed", state, least: acknowledged, durable };
    const afterCut = (what: string, fate: Fate): Left => {
      // What is there is there for good: nothing of it is on its way to the disk.
      return { what, state: afterPowerCut(state, fate).capture(), least: durable, durable: undefined };
    };
    const isAtRisk = changesAtRisk(state.root) > 0;
    for (const [what, fate] of CERTAIN.slice(0, isAtRisk ? fates : 1)) yield afterCut(what, fate);
    if (!isAtRisk) return;
    const noise = this.#options.format !== "json";
    for (let draw = 0; draw < fates; draw += 1)
      yield afterCut(`fate ${draw}`, drawnFate(this.#random, { noise }));
  }

  async #inspect(history: History, moment: Moment, left: Left, depth: number): Promise<void> {
    this.#states += 1;
    this.#time.now = moment.now;
    const { state, least, what } = left;
    try {
      const inspection = new Inspection(this.#time, this.#random, this.#options);
      const count = await inspection.inspect(state, { history, least, most: moment.begun });
      if (depth < DEEPEST && this.#random.below(CRASHES_A_RECOVERY) === 0)
        await this.#recover(history.fork(count), left, depth + 1);
    } catch (error) {
      this.#failures.push(
        `${"recovering, ".repeat(depth)}before ${moment.call}, ${what}: ${describe(error)}`,
      );
    }
  }

  /** Recovers from a crash, and cuts the power at every call of that. */
  async #recover(history: History, { state, durable = history.length }: Left, depth: number): Promise<void> {
    const life = this.#startLife(
      SimulatedMachine.afterDeaths(state),
      history,
      Math.min(durable, history.length),
    );
    life.open();
    await life.set("recovered", "1");
    await life.compact();
    for (let left = this.#random.below(4); left > 0; left -= 1) await life.step();
    life.open();
    await life.set("recovered", "2");
    life.close();
    await this.#inspectAll(life, 2, depth);
    life.end();
  }
}

/** What a crash has left. */
interface Left {
  readonly what: string;
  readonly state: MachineState;
  /** Writes that must be there. */
  readonly least: number;
  /** Writes that are durable; undefined where all that is there is. */
  readonly durable: number | undefined;
}

/** Options under which every life rotates and compacts. */
export function drawnOptions(random: SeededRandom): OpenOptions {
  const durability = random.pick(["os", "sync", undefined] as const);
  return {
    ...(durability === undefined ? {} : { durability }),
    format: random.pick(["binary", "binary", "json"]),
    generationBytes: random.pick([1, 200, 400, 1000, 5000, 20_000]),
    autoCompact: random.below(3) > 0,
    compactionThreshold: random.pick([0, 300, 2000]),
    compactionRatio: random.pick([0, 0.5, 1]),
    bloomBitsPerKey: random.pick([0, 10]),
    cacheBytes: random.pick([0, 0, 1000]),
    mmap: random.below(2) === 0,
    waitMs: 50,
  };
}

function describe(error: unknown): string {
  if (error instanceof KvsError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
