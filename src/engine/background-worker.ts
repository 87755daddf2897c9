import { setPriority } from "node:os";
import { realDisk } from "../disk/real-disk.ts";
import type { MaintenanceReply, MaintenanceRequest } from "./background.ts";
import { maintainStore } from "./maintain-store.ts";

/*
 * What runs in the Worker that maintains stores. It is bundled into one text
 * (`bun build.ts`), so that it also starts inside somebody else's
 * compiled program, which has no file to start it from.
 */
/** Nobody waits for this thread: it can wait longer for the others than they would for it. */
const WAIT_MS = 60_000;

/** How much the thread steps back: where there are more threads than processors, it gets a third of another's time. */
const NICENESS = 5;

stepBack();

declare function postMessage(reply: MaintenanceReply): void;

/** Those who read and write go first. On Linux a thread has a priority of its own; elsewhere it is that of the whole program. */
function stepBack(): void {
  try {
    if (process.platform === "linux") setPriority(NICENESS);
  } catch {
    // Some systems let nobody change it.
  }
}

addEventListener("message", ({ data }: MessageEvent<MaintenanceRequest>) => {
  const { directory, settings, urgency, calledOff } = data;
  const isUrgent = (): boolean => Atomics.load(urgency, 0) !== 0;
  const isCalledOff = (): boolean => Atomics.load(calledOff, 0) !== 0;
  let failed = false;
  try {
    maintainStore(realDisk, directory, { ...settings, waitMs: WAIT_MS }, { isUrgent, isCalledOff });
  } catch {
    // Whatever it is, whoever reads or writes the store meets it, too.
    failed = true;
  }
  postMessage({ directory, failed });
});
