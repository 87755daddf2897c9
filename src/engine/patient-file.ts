import type { ReadableFile } from "../disk/disk.ts";
import { systemCode } from "../disk/io-error.ts";
import { KvsError } from "../format/errors.ts";

/** A disk fails by sectors, which are no larger than this. */
const SECTOR_BYTES = 4096;

/** All that is asked of a file by those who read what may be damaged. */
export type PatientFile = Pick<ReadableFile, "path" | "read" | "size" | "close">;

/**
 * A file that reads zeros where the disk cannot read: no record is made of zeros,
 * so that these bytes are damage like any other, and what is around them is found.
 */
export function patient(file: ReadableFile): PatientFile {
  return {
    path: file.path,
    read: (position, length) => readOr(file, position, length),
    size: () => file.size(),
    close: () => file.close(),
  };
}

function readOr(file: ReadableFile, position: number, length: number): Buffer {
  try {
    return file.read(position, length);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return readSectors(file, position, Math.min(length, file.size() - position));
  }
}

function readSectors(file: ReadableFile, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const end = Math.min(length, at + SECTOR_BYTES - ((position + at) % SECTOR_BYTES));
    try {
      bytes.set(file.read(position + at, end - at), at);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    at = end;
  }
  return bytes;
}

function isUnreadable(error: unknown): boolean {
  return error instanceof KvsError && systemCode(error.cause) === "EIO";
}
