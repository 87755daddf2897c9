import workerPath from "./background-worker.txt" with { type: "file" };
import type { MaintenanceSettings } from "./maintain-store.ts";

/** What the Worker is asked to do. */
export interface MaintenanceRequest {
  readonly directory: string;
  readonly settings: MaintenanceSettings;
  /** One number, shared with the Worker: not 0 when the process is about to end. */
  readonly urgency: Int32Array;
  /** One number, shared with the Worker: not 0 once nobody needs the work on this store any more. */
  readonly calledOff: Int32Array;
}

/** What it says when it has. */
export interface MaintenanceReply {
  readonly directory: string;
  /** Something stood in the way: a full disk, a file that could not be opened. */
  readonly failed: boolean;
}

interface Job {
  /** That of the handle which asked last. */
  request: MaintenanceRequest;
  readonly onDone: Set<() => void>;
  /** Asked for again while it was under way. */
  again: boolean;
  /** How often in a row it has failed. */
  failures: number;
}

/** What failed is tried again after so long, and so often: nobody may write any more, and ask for it. */
const RETRY_MS = 1000;
const MOST_RETRIES = 5;

/** Where every Worker dies, so many are tried, and then none any more. */
const MOST_DEATHS = 3;

/** Where a compiled program keeps what was built into it. */
const COMPILED_ROOT = "/$bunfs/";

const urgency = sharedNumber();
const jobs = new Map<string, Job>();

let deaths = 0;

/** One Worker serves all stores of this thread; it resolves to undefined where none can be started. */
let starting: Promise<Worker | undefined> | undefined;

/**
 * Has a store maintained on another thread; `onDone` is called when that is over.
 * Requests for one store join. False where no Worker can be started.
 */
export async function maintainInBackground(
  directory: string,
  settings: MaintenanceSettings,
  onDone: () => void,
): Promise<boolean> {
  const running = jobs.get(directory);
  const calledOff = running?.request.calledOff ?? sharedNumber();
  const request = { directory, settings, urgency, calledOff };
  if (running !== undefined) {
    running.request = request;
    running.again = true;
    running.onDone.add(onDone);
    return true;
  }
  jobs.set(directory, { request, onDone: new Set([onDone]), again: false, failures: 0 });
  starting ??= startWorker();
  const worker = await starting;
  if (worker === undefined) end(directory);
  else send(worker, request);
  return worker !== undefined;
}

/**
 * Has what is under way for a store given up, and resolves when it is. A merge of everything makes it superfluous,
 * and then finds the lock free.
 */
export async function callOff(directory: string): Promise<void> {
  const job = jobs.get(directory);
  if (job !== undefined) Atomics.store(job.request.calledOff, 0, 1);
  await untilIdle(directory);
}

/** Resolves when nothing is under way for a store. */
export async function untilIdle(directory: string): Promise<void> {
  for (let job = jobs.get(directory); job !== undefined; job = jobs.get(directory)) {
    const { onDone } = job;
    // oxlint-disable-next-line no-await-in-loop -- one job after the other
    await new Promise<void>((resolve) => onDone.add(resolve));
  }
}

async function startWorker(): Promise<Worker | undefined> {
  try {
    const worker = new Worker(await scriptOf(workerPath), { smol: true });
    worker.unref();
    worker.addEventListener("message", (event: MessageEvent<MaintenanceReply>) => finish(worker, event.data));
    const beforeExit = (): void => finishSoon(worker);
    process.on("beforeExit", beforeExit);
    worker.addEventListener("close", () => {
      process.off("beforeExit", beforeExit);
      endAll();
    });
    return worker;
  } catch {
    return undefined;
  }
}

/**
 * What a Worker is started from. A compiled program has the text as a file inside it, which runs as it stands: code made
 * of strings may be forbidden there, as it is in ours. Anywhere else the name says that it is text, and no script.
 */
async function scriptOf(path: string): Promise<string> {
  if (path.startsWith(COMPILED_ROOT)) return path;
  return URL.createObjectURL(new Blob([await Bun.file(path).text()], { type: "application/javascript" }));
}

/**
 * A program that has nothing else to do ends, but not before its logs have their
 * indexes: without them the next start would read them whole. Merges can wait.
 */
function finishSoon(worker: Worker): void {
  if (jobs.size === 0) return;
  Atomics.store(urgency, 0, 1);
  worker.ref();
}

function finish(worker: Worker, { directory, failed }: MaintenanceReply): void {
  const job = jobs.get(directory);
  if (job === undefined) return;
  job.failures = failed ? job.failures + 1 : 0;
  if (failed && job.failures <= MOST_RETRIES && Atomics.load(urgency, 0) === 0) {
    setTimeout(() => {
      if (jobs.get(directory) === job) send(worker, job.request);
    }, RETRY_MS).unref();
    return;
  }
  if (job.again) {
    job.again = false;
    send(worker, job.request);
  } else {
    end(directory);
  }
  if (jobs.size > 0) return;
  Atomics.store(urgency, 0, 0);
  worker.unref();
}

/** The Worker is gone, whatever took it: nobody waits for it any more, and the next request starts another, if it may. */
function endAll(): void {
  deaths += 1;
  starting = deaths < MOST_DEATHS ? undefined : Promise.resolve(undefined);
  Atomics.store(urgency, 0, 0);
  for (const directory of jobs.keys()) end(directory);
}

function end(directory: string): void {
  const job = jobs.get(directory);
  jobs.delete(directory);
  for (const done of job?.onDone ?? []) done();
}

function sharedNumber(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

function send(worker: Worker, request: MaintenanceRequest): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
  worker.postMessage(request);
}
