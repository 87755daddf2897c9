/**
 * Deliberate breakages, to show that the tests would notice: one at a time is
 * switched on by a test, in its own process. Nothing of them is in the executable,
 * nor in what Workers run: a build puts `false` in the place of each question.
 */
export type BugName =
  | "forget to sync the directory of a new log"
  | "acknowledge a write before its sync"
  | "start the next log before the last one is synced"
  | "publish a merge that is not on the disk"
  | "remove inputs before the name of their merge is on the disk"
  | "remove inputs before their merge is published"
  | "go on after a failed sync"
  | "ignore a short write"
  | "leave a failed append in the log"
  | "believe a length that fails its checksum"
  | "take zeros for frames"
  | "take damage for a torn tail"
  | "write a batch as several frames"
  | "believe a counter that is odd"
  | "drop removals above the bottom"
  | "drop expired records above the bottom"
  | "publish a merge of logs that have changed"
  | "read logs that a merge has replaced"
  | "trust the index of another log"
  | "trust a page that fails its checksum"
  | "forget a bit of the bloom filter"
  | "serve from the cache what others have replaced"
  | "write without the lock"
  | "let the files of a scan go";

let seeded: BugName | undefined;

/** Whether the engine is to be broken in this way. */
export function hasBug(name: BugName): boolean {
  return name === seeded;
}

/** Breaks the engine of this process, for a test. */
export function seedBug(name: BugName): void {
  seeded = name;
}
