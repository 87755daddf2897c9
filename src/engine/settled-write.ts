import type { AppendableFile, Disk, LockFile, ReadableFile } from "../disk/disk.ts";
import { LOCK_NAME, logName } from "../disk/file-names.ts";
import { encodeOne } from "../format/binary-encoder.ts";
import { seedOf } from "../format/binary-layout.ts";
import { ByteWriter, crc32 } from "../format/bytes.ts";
import { KvsError } from "../format/errors.ts";
import { encodeHint, evenAfter, HINT_BYTES, type Hint, HOLDER_AT } from "../format/hint.ts";
import type { Mutation } from "../format/record.ts";
import { closeQuietly } from "./close-quietly.ts";
import { LONGEST_TAIL_BYTES } from "./log-options.ts";
import type { Durability } from "./options.ts";
import { openSettled, type SettledStore, Unsettled } from "./settled-store.ts";

const PID_BYTES = 4;

/** What most records fit in. */
const FRAME_BYTES = 1024;

/**
 * Writes one record in a store that is settled and whose lock is free, in the steps
 * that `Writer` takes: LOCK's counter is odd from before the first byte until after
 * the last. Throws `Unsettled`, and has changed nothing, where anything else is to be
 * done first: to wait, to recover, to start the next log.
 *
 * Errors: `IO`, once it has begun to write. What it cannot take back then is what a
 * writer leaves that dies, and for the next one to put right.
 */
export function writeSettled(
  disk: Disk,
  directory: string,
  mutation: Mutation,
  durability: Durability,
): void {
  const files: ReadableFile[] = [];
  let lock: LockFile | undefined;
  let log: AppendableFile | undefined;
  let isChanging = false;
  try {
    lock = openLock(disk, directory);
    if (!lock.tryLock() || !lock.isCurrent()) throw new Unsettled();
    const store = openSettled(disk, directory, lock.read(0, HINT_BYTES), files);
    if (store.hint.suspect || store.hint.bootId !== disk.bootId()) throw new Unsettled();
    const frame = encode(store, mutation);
    log = disk.openToAppend(`${directory}/${logName(store.newest.header)}`);
    isChanging = true;
    append(lock, log, store.hint, frame, durability);
  } catch (error) {
    throw error instanceof KvsError && !isChanging ? new Unsettled() : error;
  } finally {
    for (const file of files) closeQuietly(() => file.close());
    close(log, lock);
  }
}

/** Whatever fails, the lock is given back. */
function close(log: AppendableFile | undefined, lock: LockFile | undefined): void {
  try {
    log?.close();
    lock?.unlock();
  } finally {
    lock?.close();
  }
}

function openLock(disk: Disk, directory: string): LockFile {
  const lock = disk.openLock(`${directory}/${LOCK_NAME}`, { create: false });
  if (lock === undefined) throw new Unsettled();
  return lock;
}

/** The frame that follows what is in the newest log, unless that would become longer than it may be left. */
function encode({ hint, newest }: SettledStore, mutation: Mutation): Buffer {
  const room = LONGEST_TAIL_BYTES - hint.writtenBytes;
  if (mutation.key.length + mutation.value.length > room) throw new Unsettled();
  const out = new ByteWriter(FRAME_BYTES);
  encodeOne(out, hint.writtenBytes, mutation, seedOf(newest.header.logId));
  if (out.length > room) throw new Unsettled();
  return out.view();
}

function append(
  lock: LockFile,
  log: AppendableFile,
  hint: Hint,
  frame: Buffer,
  durability: Durability,
): void {
  const pid = Buffer.alloc(PID_BYTES);
  pid.writeUInt32LE(process.pid);
  lock.write(HOLDER_AT, pid);
  const begun = { ...hint, counter: hint.counter + 1 };
  lock.write(0, encodeHint(begun));
  appendOrUndo(lock, log, begun, frame);
  if (durability === "sync") syncOrWarn(lock, log, begun);
  const writtenBytes = hint.writtenBytes + frame.length;
  const syncedBytes = durability === "sync" ? writtenBytes : hint.syncedBytes;
  const tailDigest = crc32(frame, 0, frame.length, hint.tailDigest);
  lock.write(0, encodeHint({ ...hint, counter: hint.counter + 2, writtenBytes, syncedBytes, tailDigest }));
}

function appendOrUndo(lock: LockFile, log: AppendableFile, begun: Hint, frame: Buffer): void {
  try {
    log.append(frame, begun.writtenBytes);
  } catch (error) {
    try {
      undo(lock, log, begun);
    } catch {
      // The counter stays odd, or says that a sync failed: the next writer sees to it.
    }
    throw error;
  }
}

/** Cuts off what there is of a frame, durably: else old and new bytes could mix. */
function undo(lock: LockFile, log: AppendableFile, begun: Hint): void {
  log.truncate(begun.writtenBytes);
  syncOrWarn(lock, log, begun);
  lock.write(0, encodeHint({ ...begun, counter: evenAfter(begun.counter) }));
}

/** After a failed sync the page cache may show what the disk does not hold: the next writer is warned. */
function syncOrWarn(lock: LockFile, log: AppendableFile, begun: Hint): void {
  try {
    log.sync();
  } catch (error) {
    lock.write(0, encodeHint({ ...begun, counter: evenAfter(begun.counter), suspect: true }));
    throw error;
  }
}
