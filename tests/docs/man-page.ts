import type { ArgsSpec, Command } from "../../src/cli/command.ts";
import { EXIT_CODES } from "../../src/cli/exit-codes.ts";
import { GLOBAL_FLAGS, TOP_FLAGS } from "../../src/cli/global-flags.ts";
import { flagRows, operandRows, type Row, usageOf } from "../../src/cli/help.ts";
import { ENVIRONMENT } from "./environment.ts";

/** `docs/kvs.1`: what `--help` says, as a manual page in the macros of man(7). */
export function renderManPage(commands: readonly Command[], version: string): string {
  const lines = [
    '.\\" Written by "npm run docs" from the declarations behind --help.',
    `.TH KVS 1 "" "kvs ${version}" "User Commands"`,
    ".SH NAME",
    "kvs \\- keep keys and values in a directory",
    ".SH SYNOPSIS",
    ".B kvs",
    ".RI [ FLAGS ]",
    ".I COMMAND",
    ".RI [ ARGUMENTS ]",
    ".SH DESCRIPTION",
    text(
      "kvs keeps keys and values of any bytes in a directory, durably, for any number of processes at once. Standard output holds data alone, byte for byte; messages go to standard error. Flags stand before the command or after it; after -- everything is an operand.",
    ),
    ".SH COMMANDS",
    ...commands.flatMap(renderCommand),
    ".SH FLAGS",
    "Every command takes these.",
    ...tagged(flagRows({ ...GLOBAL_FLAGS, ...TOP_FLAGS })),
    ".SH EXIT STATUS",
    ...tagged(EXIT_CODES.map(([code, meaning]) => [String(code), sentence(meaning)])),
    ".SH ENVIRONMENT",
    "A flag wins over its variable; an empty variable is an unset one.",
    ...tagged(
      ENVIRONMENT.map(({ variable, flag, fallback }) => [
        variable,
        `${flag === "" ? "" : `As ${flag}. `}Default: ${fallback}.`,
      ]),
    ),
    ".TP",
    ".B NO_COLOR",
    "If not empty, nothing is coloured.",
    ".SH FILES",
    ...tagged([["./kvs_logs", "The store, where neither --dir nor KVS_DIR names another directory."]]),
    ".SH EXAMPLES",
    ".EX",
    ...commands.flatMap(({ examples }) => examples.map(text)),
    ".EE",
  ];
  return `${lines.join("\n")}\n`;
}

function renderCommand(command: Command): string[] {
  const { meta, args } = command;
  return [
    `.SS ${meta.name}`,
    `.B ${text(usageOf(command))}`,
    ".PP",
    `${text(meta.description)}.`,
    ...tagged(rowsOf(args)),
  ];
}

function rowsOf(args: ArgsSpec): Row[] {
  return [...operandRows(args), ...flagRows(args)];
}

function tagged(rows: readonly Row[]): string[] {
  return rows.flatMap(([name, meaning]) => [".TP", `.B ${text(name.trim())}`, sentence(text(meaning))]);
}

function sentence(meaning: string): string {
  const capital = meaning.charAt(0).toUpperCase() + meaning.slice(1);
  return capital.endsWith(".") ? capital : `${capital}.`;
}

/** Text as roff reads it: a hyphen that may be pasted, backslashes, and no line that looks like a request. */
function text(plain: string): string {
  const escaped = plain
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti");
  return escaped.startsWith(".") ? `\\&${escaped}` : escaped;
}
