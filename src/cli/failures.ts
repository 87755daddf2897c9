import type { ExitCode } from "./exit-codes.ts";

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
