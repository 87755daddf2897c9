import { join } from "node:path";
import type { OpenOptions } from "../../src/index.ts";
import { inParallel } from "../support/pool.ts";
import { type Answer, answerOf, isMessage } from "../support/run-command.ts";
import { kvsCommand, serving } from "../support/session.ts";
import { type Call, callsIn, injecting, type Injection, recording } from "../support/strace.ts";
import { inDirectory, lastingStorePath } from "../support/temporary.ts";
import type { Campaign } from "./campaign.ts";
import { type Effect, type Frame, History } from "./history.ts";
import { converse, copyStore, drawSteps } from "./scripted-process.ts";
import { survives } from "./survival.ts";

/** A run of the executable on a store that is there. */
interface OneShot {
  readonly args: readonly string[];
  readonly frame: Frame;
  /** `OPTIONS` if left out. */
  readonly options?: OpenOptions;
}

/** An error at a call of such a run. */
interface Fault {
  readonly oneShot: OneShot;
  readonly call: Call;
  /** All files that such a run asks for, relative to the store. */
  readonly files: readonly string[];
  readonly error: string;
  readonly forEver: boolean;
  readonly store: Store;
}

interface Store {
  readonly path: string;
  readonly history: History;
  /** What the executable prints when nothing fails. */
  readonly printed: ReadonlyMap<OneShot, string>;
}

const OPTIONS: OpenOptions = { generationBytes: 600, autoCompact: false, waitMs: 300 };

const ONE_SHOTS: readonly OneShot[] = [
  { args: ["set", "k1", "another value"], frame: [setting("k1", "another value")] },
  { args: ["set", "new", "v".repeat(700)], frame: [setting("new", "v".repeat(700))] },
  { args: ["rm", "kept"], frame: [setting("kept", undefined)] },
  { args: ["incr", "counter"], frame: [setting("counter", "8")] },
  { args: ["append", "kept", "+"], frame: [setting("kept", "value+")] },
  { args: ["get", "kept"], frame: [] },
  // Without settings of their own these take the short way.
  { args: ["set", "k1", "another value"], frame: [setting("k1", "another value")], options: {} },
  { args: ["set", "new", "value"], frame: [setting("new", "value")], options: { durability: "os" } },
  { args: ["get", "kept"], frame: [], options: {} },
  { args: ["list"], frame: [] },
  { args: ["compact"], frame: [] },
];

const FAULTS_A_RUN = 10;
const AT_ONCE = 3;
const STRIDE = 7919;

export const callErrors: Campaign = {
  name: "call-errors",
  test: 4,
  shows:
    "2 to 4, 8: EIO or ENOSPC from every system call of the binary, once or from then on; exit 3 and a message, or done",
  unit: "errors",
  full: 4000,
  run: async (seed) => {
    const all = await allFaults();
    const faults = Array.from(
      { length: FAULTS_A_RUN },
      (_, at) => all[((seed * FAULTS_A_RUN + at) * STRIDE) % all.length],
    );
    const drawn = faults.filter((fault) => fault !== undefined);
    const failures = await inParallel(drawn, AT_ONCE, (fault) =>
      inDirectory((path) => failAndReopen(path, fault)),
    );
    return { cases: drawn.length, failures: failures.filter((failure) => failure !== undefined) };
  },
};

let known: Promise<Fault[]> | undefined;

function allFaults(): Promise<Fault[]> {
  known ??= findFaults();
  return known;
}

/** Every call of every command, with every error that it may meet. */
async function findFaults(): Promise<Fault[]> {
  const { path, history } = await makeStore();
  const printed = new Map<OneShot, string>();
  const store: Store = { path, history, printed };
  const faults = ONE_SHOTS.map(async (oneShot) => {
    const calls = await inDirectory((copy) =>
      inDirectory(async (output) => {
        copyStore(path, copy);
        const { code, stdout, stderr } = await answerOf(
          recording(kvsCommand(copy, oneShot.options ?? OPTIONS, oneShot.args), output),
        );
        if (code !== 0 || !isSuccess(stderr)) throw new Error(`${oneShot.args.join(" ")}: ${code} ${stderr}`);
        printed.set(oneShot, stdout);
        return callsIn(output, copy, { reading: true, ownCount: true });
      }),
    );
    const files = [...new Set(calls.map(({ file }) => file))];
    return calls.flatMap((call) =>
      faultsAt(call).map((fault) => ({ ...fault, oneShot, call, files, store })),
    );
  });
  return (await Promise.all(faults)).flat();
}

/** A store of several generations, and all writes to it. */
async function makeStore(): Promise<{ readonly path: string; readonly history: History }> {
  const path = lastingStorePath();
  const history = new History();
  const requests = drawSteps(7, 60, history).map(({ request }) => request);
  history.push([setting("kept", "value")]);
  history.push([setting("counter", "7")]);
  requests.push("set\tkept\tvalue", "incr\tcounter\t7");
  await converse(serving("binary", path, OPTIONS), requests);
  return { path, history };
}

function faultsAt({ name }: Call): Array<Pick<Fault, "error" | "forEver">> {
  // What a failed close has left open, the end of the process closes.
  if (name === "close") return [];
  const errors = /write|sync|truncate|rename|openat|mkdir/.test(name) ? ["EIO", "ENOSPC"] : ["EIO"];
  return errors.flatMap((error) => [true, false].map((forEver) => ({ error, forEver })));
}

/** Lets a call fail; what is wrong with the answer or with what is left, or undefined. */
async function failAndReopen(path: string, fault: Fault): Promise<string | undefined> {
  const { oneShot, call, files, error, forEver, store } = fault;
  const history = store.history.fork(store.history.length);
  history.push(oneShot.frame);
  copyStore(store.path, path);
  const injection: Injection = `error=${error}`;
  const command = injecting(kvsCommand(path, oneShot.options ?? OPTIONS, oneShot.args), call, injection, {
    forEver,
    paths: files.map((file) => join(path, file)),
  });
  const answer = await answerOf(command);
  try {
    const isDone = requireHonest(answer, fault);
    await survives(
      path,
      { history, least: history.length - (isDone ? 0 : 1), most: history.length },
      OPTIONS,
    );
    return undefined;
  } catch (wrong) {
    const where = `${oneShot.args.join(" ").slice(0, 30)}: ${error} at ${call.name} ${call.nth}${forEver ? "+" : ""} (${call.file})`;
    return `${where}: ${JSON.stringify(answer)}: ${String(wrong)}`;
  }
}

/** Either all is as if nothing had failed, or there are a message and the exit code 3; which of them. */
function requireHonest({ code, stdout, stderr }: Answer, { oneShot, call, forEver, store }: Fault): boolean {
  const printed = store.printed.get(oneShot) ?? "";
  if (code === 0 && stdout === printed && isSuccess(stderr)) return true;
  // A message cannot be written either, then.
  const isMute = call.name === "write" && forEver;
  const hasMessage = isMessage(stderr) || isMute;
  // Why a lock cannot be had is not told, so that it counts as held.
  const codes = call.name === "flock" ? [3, 5] : [3];
  // What was printed of a list before the error stays printed.
  if (codes.includes(code ?? -1) && printed.startsWith(stdout) && hasMessage) return false;
  throw new Error("neither done nor exit code 3 with a message");
}

/** A compaction tells how much it has freed; nothing else has a message when all is well. */
function isSuccess(stderr: string): boolean {
  return stderr === "" || /^kvs: Freed [^\n]+\n$/.test(stderr);
}

function setting(key: string, value: string | undefined): Effect {
  return { key, value, expiresAt: 0 };
}
