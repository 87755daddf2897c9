import type { ArgsSpec, Command } from "../../src/cli/command.ts";
import { EXIT_CODES } from "../../src/cli/exit-codes.ts";
import { GLOBAL_FLAGS, TOP_FLAGS } from "../../src/cli/global-flags.ts";
import { flagRows, operandRows, type Row, usageOf } from "../../src/cli/help.ts";
import { outputsOf } from "./examples.ts";
import { ENVIRONMENT } from "./environment.ts";

/** `docs/cli.md`: everything that `--help` says, and what every example prints. */
export function renderReference(commands: readonly Command[]): string {
  return [
    "# The command line",
    "",
    "`npm run docs` writes this file from the declarations behind `--help`, and runs every example on the way. The manual",
    "page [kvs.1](kvs.1) says the same: `man -l docs/kvs.1`. What to do with it all stands in [scripting.md](scripting.md).",
    "",
    ...commands.map(({ meta }) => `- [${meta.name}](#${meta.name}): ${decapitalize(meta.description)}`),
    "",
    "## Rules",
    "",
    "A script can trust the exit code, that standard output holds data alone, byte for byte, and that messages, one line each,",
    'go to standard error. Flags stand before the command or after it. After `--` everything is an operand: `kvs set k -- "$v"`',
    "stores any `$v`. On a terminal, data is escaped where it would move the cursor, and ends in a newline. Messages name paths",
    "as they were typed; JSON and `stats` name them whole.",
    "",
    ...table(
      ["exit code", "meaning"],
      EXIT_CODES.map(([code, meaning]) => [String(code), meaning]),
    ),
    "",
    "On SIGINT, SIGTERM and SIGHUP, kvs keeps what it has acknowledged and dies of the signal. A pipe that nobody reads any",
    "more ends it in silence, with exit code 0. Durations are `500ms`, `10s`, `5m`, `2h` or `7d`.",
    "",
    "A command that reads takes no lock and changes no byte. Where there is no store, `get`, `exists`, `list`, `count`, `ttl` and",
    "those that change a key that is there find an empty one; `backup`, `compact`, `export`, `log`, `repair`, `stats` and `verify`",
    "exit with 3. `-q` silences all messages but those about the command line itself (2) and about a bug in kvs (70).",
    "",
    "## Records in a log",
    "",
    "`log` prints a record a line: the log's file, the record's offset in it, its length, its state, and the command that it",
    "is; `--json` calls these `log`, `offset`, `bytes`, `state` and `command`. Where anything is damaged or unknown, the exit",
    "code is 4.",
    "",
    ...table(
      ["state", "meaning"],
      [
        ["`live`", "the value of its key"],
        ["`stale`", "a newer record stands for the key, or it is a removal"],
        ["`expired`", "the newest record of its key, and has expired"],
        ["`unknown`", "whole, but other damage hides which record of its key is the newest"],
        [
          "`damaged`",
          "no whole record: why stands last, in JSON as `damage` and without `state` and `command`",
        ],
      ],
    ),
    "",
    "## Offsets of damage",
    "",
    "Every message about a damaged record names its own offset, where its checksum stands as [format.md](format.md#record)",
    "shows it: `xxd -s OFFSET FILE` begins there. A write is whole or lost as a whole, so `repair` and `log` show as lost the",
    "bytes of the frame around the record, 8 bytes before its first one, and name the record in the reason. Where no record",
    "can be told any more, as in a frame whose length is damaged, the offset is the frame's.",
    "",
    "## General flags",
    "",
    ...table(["flag", "meaning"], codeFirst(flagRows({ ...GLOBAL_FLAGS, ...TOP_FLAGS }))),
    "",
    "## Environment",
    "",
    "A flag wins over its variable, an empty variable is an unset one. The options of the library are explained in",
    "[library.md](library.md#opening-and-closing). Sizes are bytes, also as `64KiB`, `5MiB` or `1GiB`.",
    "",
    ...table(
      ["variable", "flag", "library", "default"],
      ENVIRONMENT.map(({ variable, flag, option, fallback }) => [
        asCode(variable),
        asCode(flag),
        asCode(option),
        fallback,
      ]),
    ),
    "",
    "`NO_COLOR`, if it is not empty, and `TERM=dumb` turn colours off, as `--no-color` does.",
    ...commands.flatMap(renderCommand),
    "",
  ].join("\n");
}

function renderCommand(command: Command): string[] {
  const { meta, args, examples } = command;
  return [
    "",
    `## ${meta.name}`,
    "",
    `${meta.description}.`,
    "",
    "```text",
    usageOf(command),
    "```",
    ...argumentTable(args),
    "",
    "```console",
    ...transcript(examples),
    "```",
  ];
}

function argumentTable(args: ArgsSpec): string[] {
  const rows = [...operandRows(args), ...flagRows(args)];
  return rows.length === 0 ? [] : ["", ...table(["argument", "meaning"], codeFirst(rows))];
}

/** What a terminal shows: each example, and what it prints. */
function transcript(examples: readonly string[]): string[] {
  const outputs = outputsOf(examples);
  return examples.flatMap((example, at) => {
    const output = (outputs[at] ?? "").replace(/\n$/, "");
    return [`$ ${example}`, ...(output === "" ? [] : output.split("\n"))];
  });
}

function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)];
}

function codeFirst(rows: readonly Row[]): Row[] {
  return rows.map(([name, description]) => [asCode(name.trim()), description]);
}

function asCode(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

function decapitalize(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
