import type { Command } from "./command.ts";
import { backup } from "./commands/backup.ts";
import { batch } from "./commands/batch.ts";
import { compact } from "./commands/compact.ts";
import { completionsOf } from "./commands/completions.ts";
import { count } from "./commands/count.ts";
import { exportCommand } from "./commands/export.ts";
import { expire } from "./commands/expire.ts";
import { helpOn } from "./commands/help.ts";
import { importCommand } from "./commands/import.ts";
import { list } from "./commands/list.ts";
import { logCommand } from "./commands/log.ts";
import { persist } from "./commands/persist.ts";
import { repair } from "./commands/repair.ts";
import { restore } from "./commands/restore.ts";
import { shellOf } from "./commands/shell.ts";
import { stats } from "./commands/stats.ts";
import { ttl } from "./commands/ttl.ts";
import { verify } from "./commands/verify.ts";
import { FAST_COMMANDS } from "./fast-commands.ts";

const EXPLAINED = [
  ...FAST_COMMANDS,
  ttl,
  expire,
  persist,
  list,
  count,
  batch,
  importCommand,
  exportCommand,
  compact,
  stats,
  verify,
  repair,
  backup,
  restore,
  logCommand,
  shellOf(() => ALL_COMMANDS),
  completionsOf(() => ALL_COMMANDS),
];

/** Every command, in the order of the help. */
export const ALL_COMMANDS: readonly Command[] = [...EXPLAINED, helpOn(EXPLAINED)];
