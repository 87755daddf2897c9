import { KvsError } from "../format/errors.ts";
import { type ExitCode, INTERNAL, USAGE, exitCodeOf } from "./exit-codes.ts";
import { VERSION } from "./version.ts";

/** The command line is wrong: the message is followed by the command's usage. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** A command's own end, with an exit code and a message. */
export class Failure extends Error {
  override readonly name: string = "Failure";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Nobody reads the output any more, as after `kvs list | head -1`. */
export class BrokenPipe extends Error {
  override readonly name: string = "BrokenPipe";
}

/** How a failure is told: an exit code for the script, a message for people. */
export function verdictOn(thrown: unknown): { readonly exitCode: ExitCode; readonly message: string } {
  const error = originOf(thrown);
  const exitCode = exitCodeFor(error);
  if (exitCode !== INTERNAL && error instanceof Error) return { exitCode, message: error.message };
  return { exitCode, message: `Internal error in kvs ${VERSION}, please report it: ${String(error)}` };
}

/** A handle that a failed write has spoilt asks to be opened again; people need to hear of the write. */
function originOf(error: unknown): unknown {
  const isPoisoned = error instanceof KvsError && error.code === "POISONED";
  return isPoisoned && error.cause instanceof KvsError ? error.cause : error;
}

function exitCodeFor(error: unknown): ExitCode {
  if (error instanceof Failure) return error.exitCode;
  if (error instanceof UsageError) return USAGE;
  return error instanceof KvsError ? exitCodeOf(error.code) : INTERNAL;
}
