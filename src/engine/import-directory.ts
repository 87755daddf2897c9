import type { Disk, LockFile } from "../disk/disk.ts";
import { IMPORT_NAME, importName, isImportName } from "../disk/file-names.ts";
import { KvsError } from "../format/errors.ts";
import { newLogId } from "./identifiers.ts";

/** A directory inside that of a store, in which an import is prepared; it is locked as long as somebody is at it. */
export interface ImportDirectory {
  readonly path: string;
  readonly lock: LockFile;
}

/** Makes one. The store's write lock must be held: whoever has it removes those that are not locked. */
export function makeImportDirectory(disk: Disk, store: string): ImportDirectory {
  const path = `${store}/${importName(newLogId())}`;
  disk.makeDirectory(path);
  const lock = disk.openLock(`${path}/${IMPORT_NAME}`, { create: true });
  if (lock?.tryLock() === true) return { path, lock };
  lock?.close();
  throw new KvsError("IO", `Cannot lock "${path}": somebody else has it`, { file: path });
}

/** Removes it and what is in it. What stands in the way of that does no harm: the next writer tries again. */
export function removeImportDirectory(disk: Disk, { path, lock }: ImportDirectory): void {
  removeFiles(disk, path);
  lock.close();
}

/** Removes what imports have left that died. The write lock must be held. */
export function removeAbandonedImports(disk: Disk, store: string): void {
  for (const name of disk.list(store) ?? []) {
    const path = `${store}/${name}`;
    if (isImportName(name) && !isUnderWay(disk, path)) removeFiles(disk, path);
  }
}

function isUnderWay(disk: Disk, path: string): boolean {
  const lock = disk.openLock(`${path}/${IMPORT_NAME}`, { create: false });
  if (lock === undefined) return false;
  try {
    return !lock.tryLock();
  } finally {
    lock.close();
  }
}

function removeFiles(disk: Disk, path: string): void {
  try {
    for (const name of disk.list(path) ?? []) disk.unlink(`${path}/${name}`);
    disk.removeDirectory(path);
  } catch (error) {
    if (!(error instanceof KvsError)) throw error;
  }
}
