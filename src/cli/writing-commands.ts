import type { Command } from "./command.ts";
import { append } from "./commands/append.ts";
import { incr } from "./commands/incr.ts";
import { rm } from "./commands/rm.ts";
import { set } from "./commands/set.ts";

/** The fast commands that change the store, by their names. */
export const WRITING_COMMANDS: Readonly<Record<"set" | "rm" | "incr" | "append", Command>> = {
  set,
  rm,
  incr,
  append,
};
