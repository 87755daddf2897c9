import type { OpenOptions } from "../../src/index.ts";
import { inParallel } from "../support/pool.ts";
import type { Program } from "../support/session.ts";
import { type Call, injecting } from "../support/strace.ts";
import { inDirectory } from "../support/temporary.ts";
import type { Campaign, Outcome } from "./campaign.ts";
import {
  converse,
  copyStore,
  expectedAfter,
  type Progress,
  scriptedRun,
  type Stage,
} from "./scripted-process.ts";
import { survives } from "./survival.ts";

/** A process that is killed before one of its calls. */
export interface Kill {
  readonly stage: Stage;
  readonly call: Call;
  readonly program: Program;
  readonly options: OpenOptions;
}

const CONFIGURATIONS: ReadonlyArray<readonly [Program, OpenOptions]> = [
  ["binary", { generationBytes: 400, durability: "sync" }],
  ["library", { generationBytes: 400, durability: "os" }],
  ["library", { generationBytes: 700, durability: "sync", format: "json" }],
  ["binary", { generationBytes: 1500, durability: "os" }],
];

const SCRIPT = { seed: 1, writes: 200 };

const KILLS_A_RUN = 10;
const AT_ONCE = 3;

/** Runs that follow each other kill at calls that do not. */
const STRIDE = 7919;

export const callKills: Campaign = {
  name: "call-kills",
  test: 4,
  shows: "1 to 4, 6, 7, 9: SIGKILL at every system call of a scripted run, of the binary and of the library",
  unit: "kills",
  full: 9000,
  run: async (seed) => {
    const kills = await Promise.all(
      Array.from({ length: KILLS_A_RUN }, (_, at) => killAt(seed * KILLS_A_RUN + at)),
    );
    const deaths = await inParallel(kills, AT_ONCE, (kill) =>
      inDirectory((path) => dieAndReopen(path, kill)),
    );
    return outcomeOf(deaths);
  },
};

let all: Promise<Kill[]> | undefined;

/** Of every call of every configuration's run, found out once, another one for each number. */
export async function killAt(number: number): Promise<Kill> {
  all ??= findKills();
  const kills = await all;
  const kill = kills[(number * STRIDE) % kills.length];
  if (kill === undefined) throw new Error("The scripted runs make no calls");
  return kill;
}

async function findKills(): Promise<Kill[]> {
  const found = await inParallel(CONFIGURATIONS, AT_ONCE, async ([program, options]) => {
    const stages = await scriptedRun(program, options, SCRIPT);
    return stages.flatMap((stage) => stage.calls.map((call) => ({ stage, call, program, options })));
  });
  return found.flat();
}

/** What a kill came to. */
export interface Death {
  /** The process ended before it made the call. */
  readonly isMissed: boolean;
  readonly failure?: string;
}

async function dieAndReopen(path: string, kill: Kill): Promise<Death> {
  const { stage, options } = kill;
  try {
    const progress = await dieAt(path, kill);
    await survives(path, expectedAfter(stage, progress), options);
    return { isMissed: progress.code !== null };
  } catch (error) {
    return { isMissed: false, failure: describeKill(kill, error) };
  }
}

/** Kills the process of a stage, on a copy of the store that it finds. */
export async function dieAt(path: string, { stage, call }: Kill): Promise<Progress> {
  copyStore(stage.origin, path);
  const progress = await converse(injecting(stage.command(path), call, "signal=SIGKILL"), stage.requests);
  if (progress.stderr !== "") throw new Error(`it said ${progress.stderr}`);
  return progress;
}

export function describeKill({ stage, call, program, options }: Kill, error: unknown): string {
  const where = `${program} ${stage.name}, killed at ${call.name} ${call.nth} (${call.file}), ${JSON.stringify(options)}`;
  return `${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

/** Counts processes that were killed; where none was, nothing has been shown. */
export function outcomeOf(deaths: readonly Death[]): Outcome {
  const killed = deaths.filter(({ isMissed }) => !isMissed);
  const failures = killed.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  if (killed.length === 0) failures.push("no process was killed");
  return { cases: killed.length, failures };
}
