import type { EngineKind } from "./engine.ts";

/** The yardstick: no file, no order, nothing survives. */
export const mapEngine: EngineKind = {
  name: "Map",
  description: "a JavaScript Map: in memory only, without order",
  persistent: false,
  create() {
    const map = new Map<string, string>();
    return {
      open: () => undefined,
      close: () => map.clear(),
      set: (key, value) => void map.set(key, value),
      get: (key) => map.get(key),
      delete: (key) => void map.delete(key),
      endSlice: () => undefined,
      batch(entries) {
        for (const [key, value] of entries) map.set(key, value);
      },
    };
  },
};
