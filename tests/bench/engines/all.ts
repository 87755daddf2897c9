import type { EngineKind } from "./engine.ts";
import { kvsEngine } from "./kvs.ts";
import { mapEngine } from "./map.ts";

/** Every engine, the yardstick first. */
export const ENGINES: readonly EngineKind[] = [mapEngine, kvsEngine];
