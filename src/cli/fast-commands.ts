import type { Command } from "./command.ts";
import { exists } from "./commands/exists.ts";
import { get } from "./commands/get.ts";

/*
 * The commands that scripts call in loops: they start without loading what others
 * need, and those that only look a key up without what the writers among them do.
 */

/** The fast command of this name that changes nothing, if there is one. */
export function commandToRead(name: string): Command | undefined {
  if (name === "get") return get;
  return name === "exists" ? exists : undefined;
}

/** The fast command of this name that changes the store, if there is one. */
export async function commandToWrite(name: string): Promise<Command | undefined> {
  if (name !== "set" && name !== "rm" && name !== "incr" && name !== "append") return undefined;
  const { WRITING_COMMANDS } = await import("./writing-commands.ts");
  return WRITING_COMMANDS[name];
}
