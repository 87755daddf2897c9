import { inParallel } from "../support/pool.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { serving } from "../support/session.ts";
import { inDirectory } from "../support/temporary.ts";
import { type Death, describeKill, dieAt, type Kill, killAt, outcomeOf } from "./call-kills.ts";
import type { Campaign } from "./campaign.ts";
import { compacting, drawSteps, expectedAfter, runStage, type Stage } from "./scripted-process.ts";
import { survives, writesIn } from "./survival.ts";

const RECOVERIES_A_STATE = 10;
const AT_ONCE = 3;

/** So many kills at most in a row, each in the recovery from the one before. */
const DEEPEST = 3;

/** Writes of a process that recovers; with tiny generations they rotate. */
const WRITES = 6;

export const recoveryKills: Campaign = {
  name: "recovery-kills",
  test: 5,
  shows: "7: SIGKILL at the system calls of a recovery from such a kill, and of a recovery from that",
  unit: "kills",
  full: 10_000,
  run: (seed) =>
    inDirectory(async (path) => {
      const random = seededRandom(seed);
      const first = await killAt(random.below(2 ** 20));
      const recovery = await recoveryFrom(path, first, seed);
      const draws = Array.from({ length: RECOVERIES_A_STATE }, () => seededRandom(random.below(2 ** 31)));
      const deaths = await inParallel(draws, AT_ONCE, (draw) => dieAndRecover(first, recovery, draw, 2));
      return outcomeOf(deaths.flat());
    }),
};

/** Kills a process, and runs another one on what that has left. */
async function recoveryFrom(path: string, kill: Kill, seed: number): Promise<Stage> {
  const progress = await dieAt(path, kill);
  return await planRecovery(path, kill, expectedAfter(kill.stage, progress), seed);
}

async function planRecovery(
  path: string,
  { program, options }: Kill,
  expected: ReturnType<typeof expectedAfter>,
  seed: number,
): Promise<Stage> {
  const done = writesIn(path, expected, options);
  const history = expected.history.fork(done);
  if (seed % 3 === 0)
    return await runStage(path, compacting(program, options, "recovering by compacting", history));
  const requests = drawSteps(seed, WRITES, history).map(({ request }) => request);
  const command: Stage["command"] = (store) => serving(program, store, { ...options, autoCompact: false });
  const plan = { name: "recovering by writing", history, done, writes: WRITES, requests, command };
  return await runStage(path, plan);
}

/** Kills a recovery, and perhaps the one after it; in the end all must be there. */
async function dieAndRecover(
  first: Kill,
  stage: Stage,
  random: SeededRandom,
  depth: number,
): Promise<Death[]> {
  const call = random.pick(stage.calls as [Kill["call"]]);
  const kill = { ...first, stage, call };
  return await inDirectory(async (path) => {
    try {
      const progress = await dieAt(path, kill);
      const isMissed = progress.code !== null;
      const expected = expectedAfter(stage, progress);
      if (isMissed || depth === DEEPEST || random.below(3) > 0) {
        await survives(path, expected, first.options);
        return [{ isMissed }];
      }
      const next = await planRecovery(path, first, expected, random.below(100));
      return [{ isMissed }, ...(await dieAndRecover(first, next, random, depth + 1))];
    } catch (error) {
      return [{ isMissed: false, failure: describeKill(kill, error) }];
    }
  });
}
