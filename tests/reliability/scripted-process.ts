import { cpSync, existsSync } from "node:fs";
import type { OpenOptions } from "../../src/index.ts";
import { seededRandom } from "../support/random.ts";
import { type Command, kvsCommand, type Program, serving, Session } from "../support/session.ts";
import { type Call, callsIn, recording } from "../support/strace.ts";
import { inDirectory, lastingStorePath } from "../support/temporary.ts";
import { type Effect, type Frame, History } from "./history.ts";
import type { Expected } from "./survival.ts";

/** A request, and what it does to the store. */
interface Step {
  readonly request: string;
  readonly frame: Frame;
}

/** One process of a scripted run: what it is asked, and the store that it finds. */
export interface Stage {
  readonly name: string;
  /** A store as the processes before have left it. */
  readonly origin: string;
  /** The run's writes, of which `done` are in that store; this process does so many more. */
  readonly history: History;
  readonly done: number;
  readonly writes: number;
  readonly requests: readonly string[];
  command(path: string): Command;
  /** Calls that touch the store when nobody disturbs it. */
  readonly calls: readonly Call[];
}

/** What a process has got to. */
export interface Progress {
  /** Requests that were answered, and those that were asked. */
  readonly answered: number;
  readonly asked: number;
  readonly code: number | null;
  readonly stderr: string;
}

const KEYS = 12;

/** Requests whose replies tell nothing, with values of up to so many bytes; what they do is put into the history. */
export function drawSteps(seed: number, count: number, history: History, valueBytes: number = 23): Step[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const key = `k${random.below(KEYS)}`;
    const value = `${history.length} ${"v".repeat(random.below(valueBytes))}`;
    const step = drawStep(random.below(8), key, value, history);
    history.push(step.frame);
    return step;
  });
}

function drawStep(kind: number, key: string, value: string, history: History): Step {
  const set = (name: string, to: string | undefined): Effect => ({ key: name, value: to, expiresAt: 0 });
  const old = (name: string): string => history.content.get(name)?.value ?? "";
  if (kind === 0) return { request: `rm\t${key}`, frame: [set(key, undefined)] };
  if (kind === 1) return { request: `append\ta${key}\t.`, frame: [set(`a${key}`, `${old(`a${key}`)}.`)] };
  if (kind === 2) return { request: "incr\tn", frame: [set("n", String(Number(old("n")) + 1))] };
  return { request: `set\t${key}\t${value}`, frame: [set(key, value)] };
}

/** Opens, writes and rotates, compacts, and all that once more; each stage with all calls that it makes. */
export async function scriptedRun(
  program: Program,
  options: OpenOptions,
  { seed, writes }: { readonly seed: number; readonly writes: number },
): Promise<Stage[]> {
  const history = new History();
  const path = lastingStorePath();
  const stages: Stage[] = [];
  for (const half of [0, 1]) {
    const done = history.length;
    const steps = drawSteps(seed + half, writes / 2, history);
    const requests = steps.map(({ request }) => request);
    const command = (store: string): Command => serving(program, store, { ...options, autoCompact: false });
    stages.push(
      await runStage(path, {
        name: `writing ${half + 1}`,
        history,
        done,
        writes: steps.length,
        requests,
        command,
      }),
    );
    stages.push(await runStage(path, compacting(program, options, `compacting ${half + 1}`, history)));
  }
  return stages;
}

type Plan = Omit<Stage, "origin" | "calls">;

/** A process that compacts the whole store. */
export function compacting(program: Program, options: OpenOptions, name: string, history: History): Plan {
  const plan = { name, history, done: history.length, writes: 0 };
  if (program === "library")
    return { ...plan, requests: ["compact"], command: (store) => serving(program, store, options) };
  return { ...plan, requests: [], command: (store) => kvsCommand(store, options, ["compact", "--quiet"]) };
}

/** Runs a stage to its end, with all its calls written down. */
export async function runStage(path: string, plan: Plan): Promise<Stage> {
  const origin = lastingStorePath();
  copyStore(path, origin);
  return await inDirectory(async (output) => {
    const progress = await converse(recording(plan.command(path), output), plan.requests);
    if (progress.code !== 0 || progress.stderr !== "")
      throw new Error(`${plan.name}: ${JSON.stringify(progress)}`);
    return { ...plan, origin, calls: callsIn(output, path) };
  });
}

/** Asks one request after the other until all are answered or the process is dead. */
export async function converse(command: Command, requests: readonly string[]): Promise<Progress> {
  const session = new Session(command);
  let [answered, asked] = [0, 0];
  for (const request of requests) {
    asked += 1;
    const reply = await session.ask(request);
    if (reply === undefined || reply.startsWith("error")) break;
    answered += 1;
  }
  return { answered, asked, ...(await session.end()) };
}

/** How many writes must be, and how many may be, in the store of a stage that has got this far. */
export function expectedAfter(stage: Stage, progress: Progress): Expected {
  const { history, done, writes } = stage;
  const [least, most] = [progress.answered, progress.asked].map((count) => done + Math.min(count, writes));
  return { history, least: least ?? 0, most: most ?? 0 };
}

export function copyStore(from: string, to: string): void {
  if (existsSync(from)) cpSync(from, to, { recursive: true });
}
