import { type Command, defineCommand } from "../command.ts";
import { DONE } from "../exit-codes.ts";
import { renderCommandHelp, renderOverview, styleOf } from "../help.ts";
import { unknownCommand } from "../suggest.ts";

/** The command that explains the others, and itself. */
export function helpOn(others: readonly Command[]): Command {
  const help: Command = defineCommand({
    meta: { name: "help", description: "Explain kvs, or one of its commands" },
    args: { command: { type: "positional", required: false, description: "Name of a command" } },
    examples: ["kvs help set"],
    async run({ args, data }) {
      const commands = [...others, help];
      const style = await styleOf(data.settings);
      if (args.command === undefined) {
        data.out.write(renderOverview(commands, style));
        return DONE;
      }
      const command = commands.find(({ meta }) => meta.name === args.command);
      if (command === undefined) throw unknownCommand(args.command, commands);
      data.out.write(renderCommandHelp(command, style));
      return DONE;
    },
  });
  return help;
}
