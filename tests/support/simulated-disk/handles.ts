import type { AppendableFile, FileMap, LockFile, ReadableFile } from "../../../src/disk/disk.ts";
import { Death } from "./call.ts";
import type { FileNode } from "./file-node.ts";
import { KvsError } from "../../../src/index.ts";
import type { SimulatedProcess } from "./process.ts";

const nothing = (): void => undefined;

/** Opens a file to read. */
export function readableHandle(process: SimulatedProcess, path: string, file: FileNode): ReadableFile {
  const handle = process.opened({ release: nothing });
  const enter = (method: string): void => process.enter({ method: `readable.${method}`, path, bytes: 0 });
  const close = (): void => {
    // What is closed with an error is closed all the same.
    process.closed(handle);
    enter("close");
  };
  return {
    path,
    read: (position, length) => {
      enter("read");
      return file.read(position, length);
    },
    readInto: (target, position, start = 0, end = target.length) => {
      enter("read");
      return file.read(position, end - start).copy(target, start);
    },
    size: () => {
      enter("size");
      return file.size;
    },
    stamp: () => {
      enter("stamp");
      return { inode: file.inode, modified: file.modified };
    },
    map: () => {
      enter("map");
      return mapOf(file);
    },
    mapLive: () => {
      enter("mapLive");
      return file.size === 0 ? undefined : file.mapLive();
    },
    close,
    closeInBackground: close,
  };
}

/** A copy, which is as good where nobody writes to the file; used after its release it is empty. */
function mapOf(file: FileNode): FileMap | undefined {
  if (file.size === 0) return undefined;
  const { buffer } = new Uint8Array(file.read(0, file.size));
  return { bytes: Buffer.from(buffer), release: () => void (buffer.detached || buffer.transfer(0)) };
}

/** Opens a file to append to: wherever the caller believes its end to be, bytes go there. */
export function appendableHandle(process: SimulatedProcess, path: string, file: FileNode): AppendableFile {
  const handle = process.opened({ release: nothing });
  const { machine } = process;
  const enter = (method: string, bytes = 0, partly?: (count: number) => void): void =>
    process.enter({ method: `append.${method}`, path, bytes }, partly);
  const append = (bytes: Uint8Array): void => {
    file.write(file.size, bytes, Date.now());
    machine.changes += 1;
  };
  const syncUpTo = (change: number): void => {
    if (machine.flaws.ignores !== "file syncs") file.sync(change);
    machine.changes += 1;
  };
  return {
    path,
    append: (bytes, at) => {
      enter("append", bytes.length, (count) => append(bytes.subarray(0, count)));
      append(bytes);
      if (file.size !== at + bytes.length) throw shortWrite(path, file.size, at + bytes.length);
    },
    size: () => {
      enter("size");
      return file.size;
    },
    truncate: (size) => {
      enter("truncate", size);
      file.cut(size, Date.now());
      machine.changes += 1;
    },
    // It makes nothing durable that could be relied on.
    beginWriteBack: (_position, bytes) => enter("beginWriteBack", bytes),
    sync: () => {
      syncOrLose(file, () => enter("sync"));
      syncUpTo(file.changesMade);
    },
    syncInBackground: async () => {
      syncOrLose(file, () => enter("syncInBackground"));
      // What is appended from now on is not covered.
      const covered = file.changesMade;
      await new Promise(setImmediate);
      if (!process.dead) syncUpTo(covered);
    },
    close: () => {
      process.closed(handle);
      enter("close");
    },
  };
}

/** A sync that fails leaves pages marked as written that were not. */
function syncOrLose(file: FileNode, enter: () => void): void {
  try {
    enter();
  } catch (error) {
    if (!(error instanceof Death)) file.loseChanges();
    throw error;
  }
}

/** Opens a lock file; its lock is `flock`'s: it belongs to this handle and ends with it. */
export function lockHandle(process: SimulatedProcess, path: string, file: FileNode): LockFile {
  const handle = process.opened({
    release: () => {
      if (file.lockedBy === handle) file.lockedBy = undefined;
    },
  });
  const { machine } = process;
  const enter = (method: string, bytes = 0, partly?: (count: number) => void): void =>
    process.enter({ method: `lock.${method}`, path, bytes }, partly);
  const write = (position: number, bytes: Uint8Array): void => {
    file.write(position, bytes, Date.now());
    machine.changes += 1;
  };
  return {
    path,
    tryLock: () => {
      enter("tryLock");
      file.lockedBy ??= handle;
      return file.lockedBy === handle;
    },
    // The system frees a lock whatever else goes wrong.
    unlock: () => {
      if (file.lockedBy === handle) file.lockedBy = undefined;
    },
    isCurrent: () => {
      enter("isCurrent");
      return machine.find(path) === file;
    },
    read: (position, length) => {
      enter("read");
      return file.read(position, length);
    },
    write: (position, bytes) => {
      enter("write", bytes.length, (count) => write(position, bytes.subarray(0, count)));
      write(position, bytes);
    },
    sync: () => {
      syncOrLose(file, () => enter("sync"));
      file.sync();
      machine.changes += 1;
    },
    close: () => {
      process.closed(handle);
      enter("close");
    },
  };
}

/** The error of an append that did not end where it should have. */
function shortWrite(path: string, size: number, expected: number): KvsError {
  return new KvsError("IO", `Cannot write to "${path}": its size is ${size}, expected ${expected}`, {
    file: path,
  });
}
