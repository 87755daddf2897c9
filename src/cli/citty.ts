import { type CommandContext, runCommand } from "citty";
import type { CheckedArgs } from "./argv.ts";
import type { ArgsSpec, Command } from "./command.ts";
import type { Context } from "./context.ts";
import type { ExitCode } from "./exit-codes.ts";

/** Runs a command through citty, on arguments that were checked and are spelled so that citty reads the same. */
export async function runWithCitty(
  command: Command,
  checked: CheckedArgs,
  context: Context,
): Promise<ExitCode> {
  const { meta, args } = command;
  const rawArgs = spellOut(args, checked);
  const run = (given: CommandContext<ArgsSpec>): unknown => command.run({ args: given.args, data: context });
  const { result } = await runCommand({ meta, args, run }, { rawArgs });
  return result as ExitCode;
}

/**
 * The one unambiguous spelling: flags with their values attached, then `--`, then
 * the operands. An operand that a flag replaces is an empty one here, so that
 * those after it keep their places.
 */
export function spellOut(spec: ArgsSpec, checked: CheckedArgs): string[] {
  const flags: string[] = [];
  const operands: Array<string | undefined> = [];
  for (const [name, arg] of Object.entries(spec)) {
    const value = checked.values[name];
    if (arg.type === "positional") operands.push(value as string | undefined);
    else if (typeof value === "string") flags.push(`--${name}=${value}`);
    else if (value === true) flags.push(`--${name}`);
  }
  const given = operands.findLastIndex((operand) => operand !== undefined) + 1;
  return [...flags, "--", ...operands.slice(0, given).map((operand) => operand ?? "")];
}
