import type { ArgsSpec, FlagSpec, OperandSpec, StringFlagSpec } from "./command.ts";
import { UsageError } from "./failures.ts";

/** A command line that fits its declaration. */
export interface CheckedArgs {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  /** Operands that stood after `--` and mean exactly what they say. */
  readonly literal: ReadonlySet<string>;
}

interface Tokens {
  readonly values: Record<string, string | boolean | undefined>;
  readonly operands: string[];
  /** How many operands stood before `--`. */
  readonly plainOperands: number;
}

/**
 * Finds the command's name: the first operand, after flags of `globals`. The
 * rest of the command line, without that name, is for `checkArguments`.
 */
export function splitCommand(
  argv: readonly string[],
  globals: ArgsSpec,
): { readonly name: string | undefined; readonly rest: readonly string[] } {
  for (let at = 0; at < argv.length; at++) {
    const token = argv[at] ?? "";
    const found = token === "--" ? undefined : findFlag(token, globals);
    if (found === undefined) {
      const nameAt = token === "--" ? at + 1 : at;
      return { name: argv[nameAt], rest: [...argv.slice(0, nameAt), ...argv.slice(nameAt + 1)] };
    }
    if (found.spec.type === "string" && found.inline === undefined) at += 1;
  }
  return { name: undefined, rest: argv };
}

/**
 * Checks arguments against a declaration, strictly: unknown flags, flags given
 * twice, missing and surplus operands are usage errors. Everything after `--`
 * is an operand, and so is a negative decimal number that is no flag.
 */
export function checkArguments(argv: readonly string[], spec: ArgsSpec): CheckedArgs {
  const { values, operands, plainOperands } = readTokens(argv, spec);
  const literal = new Set<string>();
  // Help is for those who do not know the operands yet.
  if (values["help"] === true) return { values, literal };
  const expected = operandsExpected(spec, values);
  for (let at = 0; at < expected.length; at += 1) {
    const [name, operand] = expected[at] as OperandEntry;
    const value = operands[at];
    if (value === undefined && isNeeded(name, operand, spec)) throw missingOperand(name, spec);
    values[name] = value;
    if (value !== undefined && at >= plainOperands) literal.add(name);
  }
  const surplus = operands[expected.length];
  if (surplus !== undefined) throw surplusOperand(surplus, spec, values);
  return { values, literal };
}

function readTokens(argv: readonly string[], spec: ArgsSpec): Tokens {
  const values: Record<string, string | boolean | undefined> = {};
  const operands: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const token = argv[at] ?? "";
    if (token === "--") {
      return { values, operands: [...operands, ...argv.slice(at + 1)], plainOperands: operands.length };
    }
    const found = findFlag(token, spec);
    if (found === undefined) {
      operands.push(token);
      continue;
    }
    if (values[found.name] !== undefined) throw new UsageError(`Flag --${found.name} is given twice`);
    if (found.spec.type === "boolean") {
      values[found.name] = booleanValue(found);
    } else {
      values[found.name] = found.inline ?? followingValue(found.name, argv[++at], found.spec);
    }
  }
  return { values, operands, plainOperands: operands.length };
}

export interface FoundFlag {
  readonly name: string;
  readonly spec: FlagSpec;
  /** The value in `--flag=value`. */
  readonly inline: string | undefined;
}

/** The flag a token means, or undefined when it is an operand. */
function findFlag(token: string, spec: ArgsSpec): FoundFlag | undefined {
  if (!token.startsWith("-") || token === "-") return undefined;
  const found = flagCalled(token, spec);
  if (found !== undefined || /^-(\d+\.?\d*|\.\d+)$/.test(token)) return found;
  throw new UnknownFlag(token.slice(0, endOfFlag(token)));
}

/** The flag that a token names, if there is one. */
export function flagCalled(token: string, spec: ArgsSpec): FoundFlag | undefined {
  if (!token.startsWith("--")) return flagWithAlias(token.slice(1), spec);
  const end = endOfFlag(token);
  const name = token.slice(2, end);
  const candidate = Object.hasOwn(spec, name) ? spec[name] : undefined;
  if (candidate === undefined || candidate.type === "positional") return undefined;
  return { name, spec: candidate, inline: end < token.length ? token.slice(end + 1) : undefined };
}

function flagWithAlias(alias: string, spec: ArgsSpec): FoundFlag | undefined {
  for (const [name, candidate] of Object.entries(spec)) {
    if (candidate.type !== "positional" && candidate.alias === alias)
      return { name, spec: candidate, inline: undefined };
  }
  return undefined;
}

/** Where the flag ends in a token, which may go on with `=` and a value. */
function endOfFlag(token: string): number {
  const equals = token.startsWith("--") ? token.indexOf("=") : -1;
  return equals < 0 ? token.length : equals;
}

/** A usage error whose message may be completed with the flag that was meant. */
export class UnknownFlag extends UsageError {
  readonly flag: string;

  constructor(flag: string) {
    super(`Unknown flag "${flag}"`);
    this.flag = flag;
  }
}

function booleanValue(found: FoundFlag): true {
  if (found.inline !== undefined) throw new UsageError(`Flag --${found.name} takes no value`);
  return true;
}

function followingValue(name: string, value: string | undefined, spec: StringFlagSpec): string {
  if (value === undefined) throw new UsageError(`Flag --${name} needs a value: ${spec.valueHint}`);
  return value;
}

/** The operands in their order, without those that a flag stands for. */
export function operandsExpected(spec: ArgsSpec, values: CheckedArgs["values"]): OperandEntry[] {
  const expected: OperandEntry[] = [];
  for (const [name, arg] of Object.entries(spec)) {
    if (arg.type !== "positional") continue;
    let replacing: string | undefined;
    for (const flag of flagsReplacing(name, spec)) {
      if (values[flag] === undefined) continue;
      if (replacing !== undefined) throw new UsageError(`--${replacing} and --${flag} exclude each other`);
      replacing = flag;
    }
    if (replacing === undefined) expected.push([name, arg]);
  }
  return expected;
}

type OperandEntry = [name: string, spec: OperandSpec];

function isNeeded(name: string, operand: OperandSpec, spec: ArgsSpec): boolean {
  return operand.required !== false || flagsReplacing(name, spec).length > 0;
}

/** A loop: the first `filter` of a process takes as long as ten functions of its own. */
function flagsReplacing(operand: string, spec: ArgsSpec): string[] {
  const flags: string[] = [];
  for (const [name, arg] of Object.entries(spec)) {
    if (arg.type === "string" && arg.replaces === operand) flags.push(name);
  }
  return flags;
}

function missingOperand(name: string, spec: ArgsSpec): UsageError {
  const instead = flagsReplacing(name, spec).map((flag) => `, or --${flag}`);
  return new UsageError(`Missing ${name.toUpperCase()}${instead.join("")}`);
}

function surplusOperand(value: string, spec: ArgsSpec, values: CheckedArgs["values"]): UsageError {
  for (const [name, arg] of Object.entries(spec)) {
    if (arg.type !== "string" || arg.replaces === undefined || values[name] === undefined) continue;
    return new UsageError(
      `Unexpected argument "${value}": --${name} stands for ${arg.replaces.toUpperCase()}`,
    );
  }
  return new UsageError(`Unexpected argument "${value}"`);
}

/** Refuses two flags that contradict each other. */
export function refuseTogether(values: CheckedArgs["values"], one: string, other: string): void {
  if (values[one] === undefined || values[other] === undefined) return;
  throw new UsageError(`--${one} and --${other} exclude each other`);
}
