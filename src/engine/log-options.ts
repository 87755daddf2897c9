/** Kept of the newest log by a handle that looks records up: as much as it has at most by default, until its sync is done. */
export const TAIL_BYTES: number = 84 * 1024 * 1024;

/**
 * A log is not left longer than this by a process that ends, or does not write for a while: whoever opens the store next reads all of
 * it before it answers, which is to take no more than a tenth of its time.
 */
export const LONGEST_TAIL_BYTES: number = 24 * 1024;

/** How a handle keeps the logs that it has open. */
export interface LogOptions {
  /** Map files that are not written to any more. */
  readonly map: boolean;
  /** The newest bytes of a log that is written to are kept in memory up to this size; older ones are read again. */
  readonly tailBytes: number;
  /** Removes an index that turns out to be damaged, so that the next maintenance makes it anew; left out, it stays. */
  readonly removeDamaged?: ((path: string) => void) | undefined;
  /** Called before each piece of a log that is read through; what it throws ends the reading. */
  readonly onPiece?: (() => void) | undefined;
}
