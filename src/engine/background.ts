import workerPath from "./background-worker.txt" with { type: "file" };
import type { MaintenanceSettings } from "./maintain-store.ts";

/** What the Worker is asked to do. */
export interface MaintenanceRequest {
  readonly directory: string;
  readonly settings: MaintenanceSettings;
}

/** What it says when it has. */
export interface MaintenanceReply {
  readonly directory: string;
}

interface Job {
  readonly request: MaintenanceRequest;
  readonly onDone: Set<() => void>;
  /** Asked for again while it was under way. */
  again: boolean;
}

/** One Worker serves all stores of this thread; `undefined` once it turned out that none can be started. */
let starting: Promise<Worker | undefined> | undefined;
const jobs = new Map<string, Job>();

/**
 * Has a store maintained on another thread; `onDone` is called when that is over.
 * Requests for one store join. False where no Worker can be started.
 */
export async function maintainInBackground(
  request: MaintenanceRequest,
  onDone: () => void,
): Promise<boolean> {
  const { directory } = request;
  const running = jobs.get(directory);
  if (running !== undefined) {
    running.again = true;
    running.onDone.add(onDone);
    return true;
  }
  jobs.set(directory, { request, onDone: new Set([onDone]), again: false });
  starting ??= startWorker();
  const worker = await starting;
  if (worker === undefined) jobs.delete(directory);
  else send(worker, request);
  return worker !== undefined;
}

async function startWorker(): Promise<Worker | undefined> {
  try {
    const source = await Bun.file(workerPath).text();
    const url = URL.createObjectURL(new Blob([source], { type: "application/javascript" }));
    const worker = new Worker(url);
    // A program that has nothing else to do ends: what is under way is begun anew by the next one.
    worker.unref();
    worker.addEventListener("message", (event: MessageEvent<MaintenanceReply>) => finish(worker, event.data));
    return worker;
  } catch {
    return undefined;
  }
}

function finish(worker: Worker, { directory }: MaintenanceReply): void {
  const job = jobs.get(directory);
  if (job === undefined) return;
  if (job.again) {
    job.again = false;
    send(worker, job.request);
  } else {
    jobs.delete(directory);
  }
  for (const done of job.onDone) done();
}

function send(worker: Worker, request: MaintenanceRequest): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
  worker.postMessage(request);
}
