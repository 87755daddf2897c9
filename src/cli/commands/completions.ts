import * as fs from "node:fs";
import { type Command, defineCommand } from "../command.ts";
import { completeBash } from "../completion/bash-completion.ts";
import { type Completion, complete } from "../completion/candidates.ts";
import bash from "../completion/kvs.bash" with { type: "text" };
import fish from "../completion/kvs.fish" with { type: "text" };
import zsh from "../completion/kvs.zsh" with { type: "text" };
import { DONE } from "../exit-codes.ts";
import { UsageError } from "../failures.ts";
import { STDIN } from "../terminal.ts";

/*
 * No library for this: those there are put what was typed, or what the program
 * prints, through the shell's `eval`, and a key may hold anything.
 */

const SCRIPTS: ReadonlyMap<string, string> = new Map([
  ["bash", bash],
  ["zsh", zsh],
  ["fish", fish],
]);

/** The command that makes shells complete `commands`; asked for late, because it is one of them. */
export function completionsOf(commands: () => readonly Command[]): Command {
  return defineCommand({
    meta: {
      name: "completions",
      description: "Print a script that lets a shell complete commands, flags and keys",
    },
    args: {
      shell: { type: "positional", choices: [...SCRIPTS.keys()], description: "bash, zsh or fish" },
      candidates: {
        type: "boolean",
        description: "Print what may follow the command line on standard input; for the scripts",
      },
    },
    examples: ["source <(kvs completions bash)"],
    async run({ args, data }) {
      const script = SCRIPTS.get(args.shell);
      if (script === undefined) throw new UsageError(`SHELL is "${args.shell}", expected bash, zsh or fish`);
      if (args.candidates !== true) {
        data.out.write(script);
        return DONE;
      }
      const completion = await completionFor(args.shell, commands());
      data.out.write(`${completion.kind}\n`);
      if (completion.kind === "words") {
        for (const { word, description } of completion.candidates) {
          data.out.write(description === undefined ? `${word}\n` : `${word}\t${description}\n`);
        }
      }
      return DONE;
    },
  });
}

/** The scripts hand the command line over as fields that a NUL byte ends: bash as it is, the others in words. */
async function completionFor(shell: string, commands: readonly Command[]): Promise<Completion> {
  const fields = fs.readFileSync(STDIN, "utf8").split("\0").slice(0, -1);
  if (shell === "bash") return await completeBash(fields[0] ?? "", fields[1] ?? "", commands);
  return await complete({ words: fields.slice(0, -1), current: fields.at(-1) ?? "" }, commands);
}
