import type { FlagsSpec } from "./command.ts";

/** Flags that every command takes, before its name or after it. */
export const GLOBAL_FLAGS: FlagsSpec = {
  dir: {
    type: "string",
    valueHint: "DIR",
    description: "Directory of the store; else KVS_DIR, else ./kvs_logs",
  },
  wait: {
    type: "string",
    valueHint: "DURATION",
    description: "Longest wait for another process; else KVS_WAIT, else 5s",
  },
  durability: {
    type: "string",
    valueHint: "sync|os",
    description: "What a finished write has reached: the disk or the system; else KVS_DURABILITY, else sync",
  },
  format: {
    type: "string",
    valueHint: "binary|json",
    description: "Format of a store that is created; else KVS_FORMAT, else binary",
  },
  "no-auto-compact": {
    type: "boolean",
    description: "Start no compaction in the background; as KVS_AUTO_COMPACT=off does",
  },
  quiet: { type: "boolean", alias: "q", description: "Print no messages, only data" },
  "no-color": { type: "boolean", description: "Print without colours" },
  help: { type: "boolean", alias: "h", description: "Print this help" },
};

/** Flags that stand in place of a command. */
export const TOP_FLAGS: FlagsSpec = {
  version: { type: "boolean", alias: "V", description: "Print the version" },
};
