export type { BackupResult } from "./engine/backup.ts";
export type { ByteSource } from "./engine/byte-reader.ts";
export type { CompactionResult } from "./engine/compaction.ts";
export type { Damage } from "./engine/findings.ts";
export type { LoggedRecord, RecordState } from "./engine/log-records.ts";
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
  ToolOptions,
  Value,
} from "./engine/options.ts";
export type { RepairResult } from "./engine/repair.ts";
export type { Loss } from "./engine/repair-plan.ts";
export type { CompactionDue, GenerationStats, StoreStats } from "./engine/stats.ts";
export { KvStore } from "./engine/store.ts";
export { logRecords, repairStore, restoreStore, verifyStore } from "./engine/tools.ts";
export type { VerifyReport } from "./engine/verify.ts";
export { KvsError, type KvsErrorCode, type KvsErrorDetails } from "./format/errors.ts";
