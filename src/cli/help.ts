import { type CheckedArgs, UnknownFlag, checkArguments } from "./argv.ts";
import type { ArgsSpec, Command, FlagSpec } from "./command.ts";
import { DONE, EXIT_CODES, type ExitCode, USAGE } from "./exit-codes.ts";
import type { UsageError } from "./failures.ts";
import { GLOBAL_FLAGS, TOP_FLAGS } from "./global-flags.ts";
import { writeMessage, writeToStderr } from "./messages.ts";
import { Output } from "./output.ts";
import type { Settings } from "./settings.ts";
import { unknownFlagMessage } from "./suggest.ts";
import { STDOUT, hasColor } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** How headings look. */
export type HelpStyle = (heading: string) => string;

/** A name and what it means. */
export type Row = readonly [name: string, description: string];

const PLAIN: HelpStyle = (heading) => heading;
const BOLD: HelpStyle = (heading) => `\x1b[1m${heading}\x1b[22m`;

/** The style for standard output. */
export async function styleOf(settings: Pick<Settings, "noColor">): Promise<HelpStyle> {
  return (await hasColor(STDOUT, settings)) ? BOLD : PLAIN;
}

/** Answers a command line without a command: `--help`, `--version`, or nothing at all. */
export async function runWithoutCommand(
  argv: readonly string[],
  commands: readonly Command[],
): Promise<ExitCode> {
  const { values } = checkArguments(argv, { ...GLOBAL_FLAGS, ...TOP_FLAGS });
  if (values["version"] === true) return print(`kvs ${VERSION}\n`);
  if (values["help"] === true) return print(renderOverview(commands, await styleFor(values)));
  writeToStderr(renderOverview(commands, PLAIN));
  return USAGE;
}

/** Prints the help of one command. */
export async function printCommandHelp(command: Command, values: CheckedArgs["values"]): Promise<ExitCode> {
  return print(renderCommandHelp(command, await styleFor(values)));
}

/** Says what is wrong with a command line, and how it should look. */
export function reportUsageError(error: UsageError, command: Command | undefined): void {
  writeMessage(error instanceof UnknownFlag ? unknownFlagMessage(error, command) : error.message);
  const hint = command === undefined ? "kvs --help" : `kvs help ${command.meta.name}`;
  const usage = command === undefined ? "kvs [FLAGS] COMMAND [ARGUMENTS]" : usageOf(command);
  writeToStderr(`Usage: ${usage}\nMore: ${hint}\n`);
}

/** The help of kvs as a whole. */
export function renderOverview(commands: readonly Command[], style: HelpStyle): string {
  return [
    "kvs keeps keys and values in a directory.",
    "",
    `${style("Usage:")} kvs [FLAGS] COMMAND [ARGUMENTS]`,
    ...section(
      style("Commands:"),
      commands.map(({ meta }) => [meta.name, meta.description]),
    ),
    ...section(style("Flags:"), flagRows({ ...GLOBAL_FLAGS, ...TOP_FLAGS })),
    ...section(
      style("Exit codes:"),
      EXIT_CODES.map(([code, meaning]) => [String(code), meaning]),
    ),
    "",
    "Flags stand before the command or after it; after -- everything is an argument.",
    "kvs help COMMAND explains a command.",
    "",
  ].join("\n");
}

/** The help of one command. */
export function renderCommandHelp(command: Command, style: HelpStyle): string {
  const general = Object.entries(GLOBAL_FLAGS).filter(([name]) => !Object.hasOwn(command.args, name));
  return [
    `${command.meta.description}.`,
    "",
    `${style("Usage:")} ${usageOf(command)}`,
    ...section(style("Arguments:"), operandRows(command.args)),
    ...section(style("Flags:"), flagRows(command.args)),
    ...section(style("General flags:"), flagRows(Object.fromEntries(general))),
    "",
    style(command.examples.length === 1 ? "Example:" : "Examples:"),
    ...command.examples.map((example) => `  ${example}`),
    "",
  ].join("\n");
}

async function styleFor(values: CheckedArgs["values"]): Promise<HelpStyle> {
  return await styleOf({ noColor: values["no-color"] === true });
}

function print(text: string): ExitCode {
  const out = new Output();
  out.write(text);
  out.flush();
  return DONE;
}

/** How a command is called. */
export function usageOf(command: Command): string {
  const flags: string[] = [];
  const operands: string[] = [];
  for (const [name, arg] of Object.entries(command.args)) {
    if (arg.type !== "positional") flags.push(usageFlag(name, arg));
    else operands.push(isOptional(name, command.args) ? `[${name.toUpperCase()}]` : name.toUpperCase());
  }
  return ["kvs", command.meta.name, ...operands, ...flags].join(" ");
}

function usageFlag(name: string, flag: FlagSpec): string {
  const spelled = flag.alias === undefined ? `--${name}` : `-${flag.alias}`;
  if (flag.type === "boolean") return `[${spelled}]`;
  const whole = `${spelled} ${flag.valueHint}`;
  return flag.needed === true ? whole : `[${whole}]`;
}

function isOptional(name: string, spec: ArgsSpec): boolean {
  const arg = spec[name];
  const replaceable = Object.values(spec).some((other) => other.type === "string" && other.replaces === name);
  return arg?.type === "positional" && arg.required === false && !replaceable;
}

/** The operands of a command. */
export function operandRows(spec: ArgsSpec): Row[] {
  return Object.entries(spec)
    .filter(([, arg]) => arg.type === "positional")
    .map(([name, arg]) => [name.toUpperCase(), arg.description]);
}

/** Flags, aligned as if each had a short name. */
export function flagRows(spec: ArgsSpec): Row[] {
  return Object.entries(spec).flatMap(([name, arg]): Row[] => {
    if (arg.type === "positional") return [];
    const short = arg.alias === undefined ? "    " : `-${arg.alias}, `;
    const hint = arg.type === "string" ? ` ${arg.valueHint}` : "";
    return [[`${short}--${name}${hint}`, arg.description]];
  });
}

function section(heading: string, rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([name]) => name.length));
  return ["", heading, ...rows.map(([name, description]) => `  ${name.padEnd(width)}  ${description}`)];
}
