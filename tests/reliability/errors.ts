import { KvsError, type OpenOptions } from "../../src/index.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { inSimulatedTime, type SimulatedTime } from "../support/simulated-time.ts";
import type { Campaign, Outcome } from "./campaign.ts";
import { type Fault, FaultInjector, FAULTS } from "./fault.ts";
import { FaultyRun } from "./faulty-run.ts";
import { drawnOptions } from "./power-cut.ts";
import { drawnScript, type Step } from "./script.ts";

const STEPS = 10;

/** Lets every call of random scripts fail, once and for ever; the store must hold what was promised all the same. */
export const errors: Campaign = {
  name: "errors",
  test: 8,
  shows:
    "1 to 5 and 10: an error or a short write at every call, once and for ever, and a power cut after it",
  unit: "errors",
  full: 20_000,
  run: (seed) => inSimulatedTime(seed, (time) => new ErrorCampaign(seed, time).run()),
};

class ErrorCampaign {
  readonly #time: SimulatedTime;
  readonly #start: number;
  readonly #random: SeededRandom;
  readonly #options: OpenOptions;
  readonly #script: readonly Step[];
  readonly #failures: string[] = [];

  constructor(seed: number, time: SimulatedTime) {
    this.#time = time;
    this.#start = time.now;
    this.#random = seededRandom(seed);
    this.#options = { ...drawnOptions(this.#random), durability: this.#random.pick(["os", "sync"]) };
    this.#script = drawnScript(this.#random, STEPS);
  }

  async run(): Promise<Outcome> {
    const calls = await this.#runWith(undefined);
    let cases = 0;
    for (let index = 0; index < calls; index += 1) {
      for (const forEver of [false, true]) {
        await this.#runWith({
          index,
          what: this.#random.pick(FAULTS),
          forEver,
          written: this.#random.pick(["nothing", "half", "all"]),
        });
        cases += 1;
      }
    }
    return { cases, failures: this.#failures };
  }

  /** Runs the script; how many calls it made. */
  async #runWith(fault: Fault | undefined): Promise<number> {
    this.#time.now = this.#start;
    const faults = new FaultInjector(fault);
    try {
      const context = { time: this.#time, random: this.#random, options: this.#options };
      await new FaultyRun(context, faults).run(this.#script);
    } catch (error) {
      this.#failures.push(`${JSON.stringify(fault)} ${faults.failed}: ${describe(error)}`);
    }
    return faults.calls;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const what = error instanceof KvsError ? `${error.code}: ${error.message}` : (error.stack ?? error.message);
  return error.cause === undefined ? what : `${error.message}: ${describe(error.cause)}`;
}
