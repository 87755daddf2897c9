import { isBriefDisk } from "./brief-disk.ts";
import type { Disk } from "./disk.ts";
import { diskByCalls } from "./disk-by-calls.ts";
import { nodeCalls } from "./node-calls.ts";

/** The disk of this machine. */
export const realDisk: Disk = diskByCalls(nodeCalls);

/** Whether other threads and processes find the same files there. */
export function isOfThisMachine(disk: Disk): boolean {
  return disk === realDisk || isBriefDisk(disk);
}
