import { type CheckedArgs, checkArguments, splitCommand } from "./argv.ts";
import type { Command } from "./command.ts";
import { Context } from "./context.ts";
import { DONE, type ExitCode, INTERNAL, USAGE } from "./exit-codes.ts";
import { BrokenPipe, UsageError, verdictOn } from "./failures.ts";
import { FAST_COMMANDS } from "./fast-commands.ts";
import { GLOBAL_FLAGS, TOP_FLAGS } from "./global-flags.ts";
import { writeMessage } from "./messages.ts";
import { resolveSettings } from "./settings.ts";

/** What is known of a run when it fails. */
interface Progress {
  command?: Command;
  context?: Context;
}

const MANGLED = "\uFFFD";

/** Runs one command line. Never throws: what goes wrong becomes a message and an exit code. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  const progress: Progress = {};
  try {
    return await interpret(argv, progress);
  } catch (error) {
    return await fail(await closeAfter(error, progress), progress);
  }
}

async function interpret(argv: readonly string[], progress: Progress): Promise<ExitCode> {
  const { name, rest } = splitCommand(argv, { ...GLOBAL_FLAGS, ...TOP_FLAGS });
  if (name === undefined) {
    const { ALL_COMMANDS, runWithoutCommand } = await import("./slow-path.ts");
    return await runWithoutCommand(rest, ALL_COMMANDS);
  }
  const command = await findCommand(name);
  progress.command = command;
  if (argv.join(" ").includes(MANGLED)) {
    const { refuseMangledArguments } = await import("./slow-path.ts");
    refuseMangledArguments(argv);
  }
  const checked = checkArguments(rest, { ...GLOBAL_FLAGS, ...command.args });
  if (checked.values["help"] === true) {
    const { printCommandHelp } = await import("./slow-path.ts");
    return await printCommandHelp(command, checked.values);
  }
  const context = new Context(resolveSettings(checked.values, process.env), {
    literal: checked.literal,
    brief: command.fast === true,
  });
  progress.context = context;
  const exitCode = await (command.fast === true
    ? command.run({ args: checked.values, data: context })
    : runBySlowPath(command, checked, context));
  await context.finish();
  return exitCode;
}

async function findCommand(name: string): Promise<Command> {
  const fast = FAST_COMMANDS.find(({ meta }) => meta.name === name);
  if (fast !== undefined) return fast;
  const { ALL_COMMANDS, unknownCommand } = await import("./slow-path.ts");
  const command = ALL_COMMANDS.find(({ meta }) => meta.name === name);
  if (command === undefined) throw unknownCommand(name, ALL_COMMANDS);
  return command;
}

async function runBySlowPath(command: Command, checked: CheckedArgs, context: Context): Promise<ExitCode> {
  const { runWithCitty } = await import("./slow-path.ts");
  return await runWithCitty(command, checked, context);
}

/** Closes the store after a failure, and returns the error to report: closing fails last, but may be the only one. */
async function closeAfter(error: unknown, progress: Progress): Promise<unknown> {
  try {
    await progress.context?.close();
    return error;
  } catch (closingError) {
    return error instanceof BrokenPipe ? closingError : error;
  }
}

async function fail(error: unknown, progress: Progress): Promise<ExitCode> {
  if (error instanceof BrokenPipe) return DONE;
  if (error instanceof UsageError) {
    const { reportUsageError } = await import("./slow-path.ts");
    reportUsageError(error, progress.command);
    return USAGE;
  }
  const { exitCode, message } = verdictOn(error);
  if (exitCode === INTERNAL) writeMessage(message);
  else if (progress.context?.settings.quiet !== true) await report(message, progress);
  return exitCode;
}

/** consola would cost a fast command more than its whole run. */
async function report(message: string, { command, context }: Progress): Promise<void> {
  const isFast = command?.fast === true;
  if (isFast && !message.includes('"/')) {
    writeMessage(message);
    return;
  }
  const { log, withTypedPaths } = await import("./slow-path.ts");
  const shown = withTypedPaths(message, context?.typedPaths ?? []);
  if (isFast) writeMessage(shown);
  else log.error(shown);
}
