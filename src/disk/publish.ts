import { hasBug } from "../format/seeded-bugs.ts";
import type { AppendableFile, Disk } from "./disk.ts";
import { temporaryName } from "./file-names.ts";

/**
 * Writes a file under a temporary name and makes its content durable. It
 * becomes part of the store by `publish`; until then a crash leaves only the
 * temporary name behind.
 */
export function writeTemporary(disk: Disk, path: string, write: (file: AppendableFile) => void): void {
  const temporary = temporaryName(path);
  const file = disk.create(temporary);
  let finished = false;
  try {
    write(file);
    file.sync();
    finished = true;
  } finally {
    file.close();
    // On a full disk every block counts.
    if (!finished) disk.unlink(temporary);
  }
}

/** Renames a finished temporary file to its name and makes the name durable. */
export function publish(disk: Disk, directory: string, path: string): void {
  disk.rename(temporaryName(path), path);
  if (!hasBug("forget to sync the directory of a new log")) disk.syncDirectory(directory);
}
