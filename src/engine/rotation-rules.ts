import type { Log } from "./log.ts";
import { LONGEST_TAIL_BYTES } from "./log-options.ts";
import type { LogSync } from "./log-sync.ts";
import type { Durability } from "./options.ts";
import type { WriterContext } from "./writer-context.ts";

/** A log shorter than this is synced in no time. */
const SHORT_LOG_BYTES: number = 4 * 1024 * 1024;

/** A log may become so many times longer than it should while it waits for its sync. */
const LONGEST_OVERRUN = 1.25;

/**
 * A store has no more generations than this: each is a file held open, and a place that a lookup may have to look at.
 * Where merges do not keep up, or are off, the newest log grows instead.
 */
const MOST_GENERATIONS = 40;

/** Tells when the newest log is to be sealed. */
export class RotationRules {
  readonly #context: WriterContext;
  readonly #options: { readonly durability: Durability; readonly generationBytes: number };
  readonly #sync: LogSync;
  /** The log that waits for a merge. */
  #waiting: Log | undefined;
  /** How often a log that should have been sealed had to wait for a merge. */
  postponed = 0;

  constructor(
    context: WriterContext,
    options: { readonly durability: Durability; readonly generationBytes: number },
    sync: LogSync,
  ) {
    this.#context = context;
    this.#options = options;
    this.#sync = sync;
  }

  /** Whether a log is long enough, and nothing stands in the way; the lock must be held. */
  isDue(log: Log): boolean {
    return log.end >= this.#options.generationBytes && !this.#mustWaitForMerge(log) && this.#isCheap(log);
  }

  /** Whether a log is longer than it may be left. */
  hasLongTail(log: Log): boolean {
    return log.end > LONGEST_TAIL_BYTES;
  }

  /** The same, and that nothing stands in the way; the lock must be held. */
  isTailDue(log: Log): boolean {
    return this.hasLongTail(log) && !this.#mustWaitForMerge(log);
  }

  /** Whether there are as many generations as there may be; counted once for each log. */
  #mustWaitForMerge(log: Log): boolean {
    if (this.#context.generations.logs.length < MOST_GENERATIONS) return false;
    if (this.#waiting !== log) {
      this.#waiting = log;
      this.postponed += 1;
      this.#context.lock.countPostponed();
    }
    return true;
  }

  /** In `os`, a long log waits for a sync in the background, so that nobody waits for it; not for ever. */
  #isCheap(log: Log): boolean {
    const { generationBytes, durability } = this.#options;
    if (durability === "sync" || log.end > generationBytes * LONGEST_OVERRUN) return true;
    return log.end < SHORT_LOG_BYTES || this.#sync.isNearlySynced(log);
  }
}
