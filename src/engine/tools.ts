import { realDisk } from "../disk/real-disk.ts";
import { KvsError } from "../format/errors.ts";
import type { BackupResult } from "./backup.ts";
import type { ByteSource } from "./byte-reader.ts";
import { type LoggedRecord, readRecords } from "./log-records.ts";
import type { ToolOptions } from "./options.ts";
import { type RepairResult, repairSteps } from "./repair.ts";
import { restoreArchive, restoreDirectory } from "./restore.ts";
import { runInSlices } from "./slices.ts";
import { type VerifyReport, verifyFiles } from "./verify.ts";

/*
 * What can be done with a store without opening it: it may be damaged, or not
 * there yet. None of these writes to the store that it reads.
 */

/**
 * Reads every byte of a store, verifies every checksum, and tells what is wrong;
 * damage is no error. Takes no lock and changes nothing; others may read and write.
 * Yields to the event loop every few milliseconds; memory is bounded by the
 * largest write. Errors: `NO_STORE`, `IO`, `UNSUPPORTED_VERSION`.
 *
 * @example
 * const { damage } = await verifyStore("./data");
 * for (const { file, offset, reason } of damage) console.log(file, offset, reason);
 */
export async function verifyStore(directory: string, options: ToolOptions = {}): Promise<VerifyReport> {
  const { onProgress, signal } = options;
  return await runInSlices(verifyFiles(realDisk, absolute(directory), onProgress), signal);
}

/**
 * Writes everything that is whole in a store, however damaged, into a new store in
 * an absent or empty directory, and tells what was lost. Of each key the newest
 * record that is whole wins: where a newer one was lost, an older value, or one
 * that was removed, is back. A batch is kept whole or not at all. Until it has
 * succeeded, the directory holds no store. Errors: `NO_STORE`, `IO`,
 * `UNSUPPORTED_VERSION`, and `CORRUPT` if no record is whole.
 *
 * @example
 * const { lost } = await repairStore("./data", "./repaired");
 * for (const { file, offset, keys } of lost) console.log(file, offset, keys);
 */
export async function repairStore(
  source: string,
  directory: string,
  options: ToolOptions = {},
): Promise<RepairResult> {
  const { onProgress, signal } = options;
  const steps = repairSteps(realDisk, absolute(source), absolute(directory), onProgress);
  return await runInSlices(steps, signal);
}

/**
 * Makes a store, in an absent or empty directory, of a backup: of a directory, or
 * of the bytes that `archive` gave. Every byte is verified before the store is
 * there; until then, and after an error, there is none. Errors: `NO_STORE` for a
 * directory without logs, `CORRUPT` for a damaged backup, `IO`, and whatever the
 * source of the bytes throws. Of bytes `onProgress`
 * tells how much is verified, once all have come.
 *
 * @example
 * await restoreStore("./backup", "./data");
 * await restoreStore(Bun.file("backup.tar").stream(), "./data");
 */
export async function restoreStore(
  source: string | ByteSource,
  directory: string,
  options: ToolOptions = {},
): Promise<BackupResult> {
  const { onProgress, signal } = options;
  const target = absolute(directory);
  if (typeof source !== "string") return await restoreArchive(realDisk, source, target, options);
  return await runInSlices(restoreDirectory(realDisk, absolute(source), target, onProgress), signal);
}

/**
 * Every record of a store's logs, oldest first, also those that were overwritten
 * since: of all generations, or of the log that holds one of them. What is damaged
 * is told as well, and passed over. Errors: `NO_STORE`, `IO`,
 * `UNSUPPORTED_VERSION`, and `INVALID_ARGUMENT` for a generation that there is not.
 *
 * @example
 * for (const record of logRecords("./data")) {
 *   if ("command" in record) console.log(record.offset, record.state, record.command);
 * }
 */
export function logRecords(
  directory: string,
  { generation }: { readonly generation?: number } = {},
): IteratorObject<LoggedRecord, undefined> {
  return readRecords(realDisk, absolute(directory), generation);
}

function absolute(directory: string): string {
  if (directory === "") throw new KvsError("INVALID_ARGUMENT", "Cannot open store: its path is empty");
  return realDisk.absolute(directory);
}
