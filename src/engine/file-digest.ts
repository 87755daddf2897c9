import type { ReadableFile } from "../disk/disk.ts";
import { crc32 } from "../format/bytes.ts";

const CHUNK_BYTES = 1024 * 1024;

/** The CRC-32 of all bytes of a file. */
export function digestOf(file: Pick<ReadableFile, "size" | "read">): number {
  const size = file.size();
  let digest = 0;
  for (let at = 0; at < size; at += CHUNK_BYTES) {
    const bytes = file.read(at, CHUNK_BYTES);
    digest = crc32(bytes, 0, bytes.length, digest);
  }
  return digest;
}
