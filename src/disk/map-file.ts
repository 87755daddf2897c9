import type { FileMap } from "./disk.ts";
import { ffiModule } from "./ffi.ts";
import { nodeFs } from "./node-fs.ts";

/** Bun maps at most this much at once. */
const MAX_MAP_BYTES: number = 2 ** 32 - 1;

/** Maps an open file that is written to; undefined where the map might not show what others write. */
export function mapLiveFile(path: string, fd: number): FileMap | undefined {
  if (process.platform !== "linux" || !isCoherent(fd)) return undefined;
  return mapFile(path, fd);
}

/** Whether a file is on a file system of Linux whose maps show at once what is written to the file. */
function isCoherent(fd: number): boolean {
  try {
    return isCoherentFileSystem(nodeFs().statfsSync(`/proc/self/fd/${fd}`).type);
  } catch {
    return false;
  }
}

/** By its number in `magic.h`. */
function isCoherentFileSystem(magic: number): boolean {
  switch (magic) {
    case 0xef53: // ext2, ext3, ext4
    case 0x58465342: // xfs
    case 0x9123683e: // btrfs
    case 0xca451a4e: // bcachefs
    case 0xf2f52010: // f2fs
    case 0x2fc12fc1: // zfs
    case 0x01021994: // tmpfs
    case 0x794c7630: // overlayfs
      return true;
    default:
      return false;
  }
}

/** Maps an open file, whatever its name stands for by now; undefined where the system or its size forbids it. */
export function mapFile(path: string, fd: number): FileMap | undefined {
  // Bun.mmap takes a name and asks for the right to write, which nobody here makes use of.
  const name = process.platform === "linux" ? `/proc/self/fd/${fd}` : path;
  try {
    const { size, ino, dev } = nodeFs().fstatSync(fd);
    if (size === 0 || size > MAX_MAP_BYTES || process.platform === "win32") return undefined;
    const map = Bun.mmap(name);
    const named = nodeFs().statSync(name);
    if (map.length === size && named.ino === ino && named.dev === dev) return wrap(map);
    unmap(map);
    return undefined;
  } catch {
    return undefined;
  }
}

type Madvise = (map: Uint8Array, advice: number) => void;

const MADV_DONTNEED = 4;

let madvise: Madvise | undefined;

/** Maps of this thread; weakly held, so that one that nobody released can still be collected. */
const maps = new Set<WeakRef<Uint8Array<ArrayBuffer>>>();

/** Takes the pages of all maps out of this process's memory. They are read again, from the system's cache, when they are touched. */
export function forgetMappedPages(): void {
  if (maps.size > 0) madvise ??= loadMadvise();
  for (const each of maps) {
    const map = each.deref();
    if (map === undefined || map.length === 0) maps.delete(each);
    else madvise?.(map, MADV_DONTNEED);
  }
}

/** It is advice: a system that does not take it goes on as before. */
function loadMadvise(): Madvise {
  // Required only here: loading it takes time.
  const ffi = ffiModule();
  const library = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
  const { symbols } = ffi.dlopen(library, {
    madvise: { args: ["ptr", "usize", "i32"], returns: "i32" },
  });
  return (map, advice) => void symbols.madvise(ffi.ptr(map), map.length, advice);
}

function wrap(map: Uint8Array<ArrayBuffer>): FileMap {
  const known = new WeakRef(map);
  maps.add(known);
  return {
    bytes: Buffer.from(map.buffer, map.byteOffset, map.byteLength),
    release: () => {
      maps.delete(known);
      unmap(map);
    },
  };
}

/** Taking the memory out of an array ends the mapping. */
function unmap(map: Uint8Array<ArrayBuffer>): void {
  if (!map.buffer.detached) map.buffer.transfer(0);
}
