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

declare function postMessage(reply: MaintenanceReply): void;

addEventListener("message", ({ data }: MessageEvent<MaintenanceRequest>) => {
  const { directory, settings, urgency } = data;
  const isUrgent = (): boolean => Atomics.load(urgency, 0) !== 0;
  let failed = false;
  try {
    maintainStore(realDisk, directory, { ...settings, waitMs: WAIT_MS }, { isUrgent });
  } catch {
    // Whatever it is, whoever reads or writes the store meets it, too.
    failed = true;
  }
  postMessage({ directory, failed });
});
