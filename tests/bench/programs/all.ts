import { kvsProgram } from "./kvs.ts";
import type { ProgramKind } from "./program.ts";
import { redisProgram } from "./redis.ts";
import { sqliteProgram } from "./sqlite.ts";
import { tkrzwProgram } from "./tkrzw.ts";

export const PROGRAMS: readonly ProgramKind[] = [kvsProgram, sqliteProgram, redisProgram, tkrzwProgram];
