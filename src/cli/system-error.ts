import { SYSTEM } from "./exit-codes.ts";
import { Failure } from "./failures.ts";

/** The system's code of an error, as `ENOSPC`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Runs one call to the system; what it throws ends the command. */
export function system<T>(action: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw systemFailure(action, error);
  }
}

/** How a command ends when the system refused something: `Cannot open "x": no such file or directory`. */
export function systemFailure(action: string, cause: unknown): Failure {
  const message = cause instanceof Error ? cause.message : String(cause);
  // The system's messages read "ENOENT: no such file or directory, open 'x'".
  const reason = /^E[A-Z0-9]+: ([^,]+)/.exec(message)?.[1] ?? message;
  return new Failure(SYSTEM, `Cannot ${action}: ${reason}`, { cause });
}
