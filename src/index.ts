export type { CompactionResult } from "./engine/compaction.ts";
export type {
  BatchOperation,
  CompactOptions,
  DeleteOptions,
  Durability,
  Key,
  LogFormat,
  OpenOptions,
  RangeOptions,
  ScanOptions,
  SetOptions,
  StoreRecord,
  Value,
} from "./engine/options.ts";
export type { CompactionDue, GenerationStats, StoreStats } from "./engine/stats.ts";
export { KvStore } from "./engine/store.ts";
export type { Damage, VerifyReport } from "./engine/verify.ts";
export { KvsError, type KvsErrorCode, type KvsErrorDetails } from "./format/errors.ts";
