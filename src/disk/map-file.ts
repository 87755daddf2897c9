import * as fs from "node:fs";
import type { FileMap } from "./disk.ts";

/** Bun maps at most this much at once. */
const MAX_MAP_BYTES: number = 2 ** 32 - 1;

/** Maps an open file, whatever its name stands for by now; undefined where the system or its size forbids it. */
export function mapFile(path: string, fd: number): FileMap | undefined {
  // Bun.mmap takes a name and asks for the right to write, which nobody here makes use of.
  const name = process.platform === "linux" ? `/proc/self/fd/${fd}` : path;
  try {
    const { size, ino, dev } = fs.fstatSync(fd);
    if (size === 0 || size > MAX_MAP_BYTES || process.platform === "win32") return undefined;
    const map = Bun.mmap(name);
    const named = fs.statSync(name);
    if (map.length === size && named.ino === ino && named.dev === dev) return wrap(map);
    unmap(map);
    return undefined;
  } catch {
    return undefined;
  }
}

function wrap(map: Uint8Array<ArrayBuffer>): FileMap {
  return {
    bytes: Buffer.from(map.buffer, map.byteOffset, map.byteLength),
    release: () => unmap(map),
  };
}

/** Taking the memory out of an array ends the mapping. */
function unmap(map: Uint8Array<ArrayBuffer>): void {
  if (!map.buffer.detached) map.buffer.transfer(0);
}
