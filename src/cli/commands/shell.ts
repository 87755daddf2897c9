import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { run } from "../run.ts";
import { prompt } from "../shell/prompt.ts";
import { serve } from "../shell/serve.ts";
import { STDIN, STDOUT, isTerminal } from "../terminal.ts";

/** The command that runs `commands`; asked for late, because it is one of them. */
export function shellOf(commands: () => readonly Command[]): Command {
  return defineCommand({
    meta: {
      name: "shell",
      description: "Run many commands in one process: a prompt, or requests from a pipe",
    },
    args: {},
    examples: ["printf 'set\\tgreeting\\thello\\nget\\tgreeting\\n' | kvs shell"],
    async run({ data }) {
      const isPerson = (await isTerminal(STDIN)) && (await isTerminal(STDOUT));
      if (isPerson) await prompt({ settings: data.settings, commands: commands(), run });
      else await serve(data);
      return DONE;
    },
  });
}
