import type { KvsErrorCode } from "../format/errors.ts";

/** What the process says to the script that started it. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 70;

/** Done, or yes. */
export const DONE: ExitCode = 0;
/** No: the key is missing, the condition is not met, the value is not a number. */
export const NO: ExitCode = 1;
/** The command line, or a line of input, cannot be understood. */
export const USAGE: ExitCode = 2;
/** The system refused: full disk, permission, output that cannot be written. */
export const SYSTEM: ExitCode = 3;
/** The store is damaged. */
export const CORRUPT: ExitCode = 4;
/** Another process held the store for longer than the wait. */
const LOCKED: ExitCode = 5;
/** A bug in kvs. */
export const INTERNAL: ExitCode = 70;

/** Each code with its meaning, as the help prints them. */
export const EXIT_CODES: ReadonlyArray<readonly [code: ExitCode, meaning: string]> = [
  [DONE, "done, or yes"],
  [NO, "no: missing key, condition not met, not a number"],
  [USAGE, "the command line, or a line of input, is wrong"],
  [SYSTEM, "the system refused: full disk, permission, no such store"],
  [CORRUPT, "the store is corrupt"],
  [LOCKED, "another process holds the store"],
  [INTERNAL, "internal error"],
];

/**
 * A poisoned handle stands for the failed write before it. `CLOSED` is absent:
 * no command uses a store it has closed, so that one is a bug.
 */
const BY_ERROR_CODE: Readonly<Partial<Record<KvsErrorCode, ExitCode>>> = {
  KEY_NOT_FOUND: NO,
  NOT_A_NUMBER: NO,
  OUT_OF_RANGE: NO,
  NOT_UTF8: NO,
  INVALID_ARGUMENT: USAGE,
  IO: SYSTEM,
  NO_STORE: SYSTEM,
  READ_ONLY: SYSTEM,
  POISONED: SYSTEM,
  UNSUPPORTED_VERSION: SYSTEM,
  CORRUPT: CORRUPT,
  UNDECODABLE_RECORD: CORRUPT,
  UNEXPECTED_COMMAND: CORRUPT,
  LOCKED: LOCKED,
};

/**
 * The exit code of an error the engine threw. A record the engine could not
 * decode is damage in the store: lines of input are judged where they are read.
 */
export function exitCodeOf(code: KvsErrorCode): ExitCode {
  return BY_ERROR_CODE[code] ?? INTERNAL;
}
