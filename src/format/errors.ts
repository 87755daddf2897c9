/**
 * Every failure a caller may want to tell apart. The codes are stable; the
 * messages are for people.
 *
 * - `IO`: the operating system refused (full disk, permission, not a directory).
 * - `NO_STORE`: there is no store to read at that path.
 * - `KEY_NOT_FOUND`: `remove` of a key that has no value.
 * - `UNDECODABLE_RECORD`: a JSON line that is not a command.
 * - `UNEXPECTED_COMMAND`: a JSON command of a kind that does not belong there.
 * - `CORRUPT`: a damaged byte in the store; `file` and `offset` say where.
 * - `UNSUPPORTED_VERSION`: a file written by a later version of kvs.
 * - `LOCKED`: another process held the write lock for longer than `waitMs`.
 * - `POISONED`: an earlier write of this handle failed; open the store again.
 * - `CLOSED`: the handle was closed.
 * - `READ_ONLY`: a write on a handle opened with `readOnly`.
 * - `INVALID_ARGUMENT`: a key, value or option outside its limits.
 * - `NOT_UTF8`: `get` of a value that is not text; `getBytes` returns it.
 * - `NOT_A_NUMBER`: `increment` of a value that is not a decimal integer.
 * - `OUT_OF_RANGE`: `increment` past 2^53-1 either way.
 */
export type KvsErrorCode =
  | "IO"
  | "NO_STORE"
  | "KEY_NOT_FOUND"
  | "UNDECODABLE_RECORD"
  | "UNEXPECTED_COMMAND"
  | "CORRUPT"
  | "UNSUPPORTED_VERSION"
  | "LOCKED"
  | "POISONED"
  | "CLOSED"
  | "READ_ONLY"
  | "INVALID_ARGUMENT"
  | "NOT_UTF8"
  | "NOT_A_NUMBER"
  | "OUT_OF_RANGE";

/** Where and why a failure happened. */
export interface KvsErrorDetails {
  /** The file concerned. */
  readonly file?: string;
  /** Byte offset in `file`. */
  readonly offset?: number;
  /** What the system, or the layer below, threw. */
  readonly cause?: unknown;
}

/**
 * The one error class kvs throws.
 *
 * @example
 * try {
 *   store.remove("nobody");
 * } catch (error) {
 *   if (error instanceof KvsError && error.code === "KEY_NOT_FOUND") console.log("no such key");
 * }
 */
export class KvsError extends Error {
  override readonly name: string = "KvsError";
  readonly code: KvsErrorCode;
  readonly file?: string;
  readonly offset?: number;

  constructor(code: KvsErrorCode, message: string, details: KvsErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    if (details.file !== undefined) this.file = details.file;
    if (details.offset !== undefined) this.offset = details.offset;
  }
}
