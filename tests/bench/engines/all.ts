import type { EngineKind } from "./engine.ts";
import { kvsEngine } from "./kvs.ts";
import { levelEngine } from "./level.ts";
import { lmdbEngine } from "./lmdb.ts";
import { mapEngine } from "./map.ts";
import { sqliteEngine } from "./sqlite.ts";

/** Every engine, the yardstick first. */
export const ENGINES: readonly EngineKind[] = [mapEngine, kvsEngine, lmdbEngine, sqliteEngine, levelEngine];
