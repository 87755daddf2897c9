import { libc } from "./libc.ts";

/** Of Linux: begins to write, and waits neither for what is under way nor for what begins. */
const SYNC_FILE_RANGE_WRITE = 2;

/**
 * Has Linux begin to write a part of a file to the disk; elsewhere it does nothing. Since it
 * waits for no page it takes no error of the file with it: the next sync reports that.
 */
export function beginWriteBack(fd: number, position: number, bytes: number): void {
  libc()?.sync_file_range(fd, position, bytes, SYNC_FILE_RANGE_WRITE);
}
