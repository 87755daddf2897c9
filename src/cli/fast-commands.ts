import type { Command } from "./command.ts";
import { append } from "./commands/append.ts";
import { exists } from "./commands/exists.ts";
import { get } from "./commands/get.ts";
import { incr } from "./commands/incr.ts";
import { rm } from "./commands/rm.ts";
import { set } from "./commands/set.ts";

/** The commands that scripts call in loops: what `brief.ts` leaves of them starts without loading all others. */
export const FAST_COMMANDS: readonly Command[] = [set, get, rm, exists, incr, append];
