/** What the environment decides, and what else does. */
export interface Variable {
  readonly variable: string;
  /** The flag that wins over it, if there is one. */
  readonly flag: string;
  /** The option of `KvStore.open`. */
  readonly option: string;
  readonly fallback: string;
}

/**
 * Every option of a store. Those without a flag are chosen once for a machine or
 * a script, not for one command; `readOnly` and `create` follow from the command.
 */
export const ENVIRONMENT: readonly Variable[] = [
  { variable: "KVS_DIR", flag: "--dir", option: "", fallback: "./kvs_logs" },
  { variable: "KVS_WAIT", flag: "--wait", option: "waitMs", fallback: "5s" },
  {
    variable: "KVS_DURABILITY",
    flag: "--durability",
    option: "durability",
    fallback: "sync (the library's is os)",
  },
  { variable: "KVS_FORMAT", flag: "--format", option: "format", fallback: "binary" },
  { variable: "KVS_AUTO_COMPACT", flag: "--no-auto-compact", option: "autoCompact", fallback: "on" },
  { variable: "KVS_COMPACTION_THRESHOLD", flag: "", option: "compactionThreshold", fallback: "5MiB" },
  { variable: "KVS_COMPACTION_RATIO", flag: "", option: "compactionRatio", fallback: "0.5" },
  { variable: "KVS_GENERATION_BYTES", flag: "", option: "generationBytes", fallback: "64MiB" },
  { variable: "KVS_BLOOM_BITS", flag: "", option: "bloomBitsPerKey", fallback: "10" },
  { variable: "KVS_CACHE_BYTES", flag: "", option: "cacheBytes", fallback: "0" },
  {
    variable: "KVS_MMAP",
    flag: "",
    option: "mmap",
    fallback: "on; a command that asks for one key never maps",
  },
];
