import type { Context } from "./context.ts";
import type { ExitCode } from "./exit-codes.ts";

/*
 * Commands are declared once, in citty's shape. The declarations serve the check
 * of the command line, the help and the run; they import nothing heavy, because
 * the fast commands are checked against them without citty.
 */

interface Described {
  readonly description: string;
}

/** An operand, in the order of declaration. `required: false` also where a flag may stand for it. */
export interface OperandSpec extends Described {
  readonly type: "positional";
  readonly required?: boolean;
  /** All it can be, for completion. */
  readonly choices?: readonly string[];
}

/** A flag with a value. */
export interface StringFlagSpec extends Described {
  readonly type: "string";
  readonly valueHint: string;
  readonly alias?: string;
  /** The operand that this flag stands for: exactly one of the two must be given. */
  readonly replaces?: string;
  /** The command cannot do without it, and says so itself. */
  readonly needed?: true;
}

/** A flag without a value. */
export interface BooleanFlagSpec extends Described {
  readonly type: "boolean";
  readonly alias?: string;
}

export type FlagSpec = StringFlagSpec | BooleanFlagSpec;
export type ArgSpec = OperandSpec | FlagSpec;
export type FlagsSpec = Readonly<Record<string, FlagSpec>>;
export type ArgsSpec = Readonly<Record<string, ArgSpec>>;

type ValueOf<S extends ArgSpec> = S extends BooleanFlagSpec
  ? boolean | undefined
  : S extends OperandSpec
    ? S extends { readonly required: false }
      ? string | undefined
      : string
    : string | undefined;

/** The values of a command line, by the names of the declaration. */
export type ParsedArgs<A extends ArgsSpec> = { readonly [Name in keyof A]: ValueOf<A[Name]> };

/** What a command runs with; a part of what citty hands to its commands. */
export interface Invocation<A extends ArgsSpec> {
  readonly args: ParsedArgs<A>;
  readonly data: Context;
}

export interface Command<A extends ArgsSpec = ArgsSpec> {
  readonly meta: { readonly name: string; readonly description: string };
  /** Goes from the check straight to the engine, without citty and consola. */
  readonly fast?: true;
  readonly args: A;
  /** Command lines that work as pasted. */
  readonly examples: readonly string[];
  run(invocation: Invocation<A>): ExitCode | Promise<ExitCode>;
}

/** Declares a command; only so that `run` knows the types of its arguments. */
export function defineCommand<const A extends ArgsSpec>(command: Command<A>): Command {
  return command;
}
