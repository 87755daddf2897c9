import type { Disk } from "../disk/disk.ts";
import {
  CHECKSUMS_NAME,
  encodeChecksums,
  encodeMember,
  END_OF_ARCHIVE,
  paddingAfter,
} from "../format/archive.ts";
import type { Snapshot, SnapshotLog } from "./snapshot.ts";
import { StagedStore } from "./staged-store.ts";
import type { OnProgress } from "./verify.ts";

/** What a backup, or a restore, has made. */
export interface BackupResult {
  /** How many logs. */
  readonly logs: number;
  /** Their size. */
  readonly bytes: number;
}

/**
 * Puts a snapshot into an absent or empty directory, in steps: by second names for its files where that can be, else by
 * copies. It is taken once the directory is: a backup that cannot be made leaves the store as it is.
 */
export function* backUp(
  disk: Disk,
  takeSnapshot: () => Snapshot,
  directory: string,
  onProgress: OnProgress = () => undefined,
): Generator<void, BackupResult> {
  const store = StagedStore.begin(disk, directory, { action: "back up into", keepsLock: false });
  try {
    const snapshot = takeSnapshot();
    try {
      return yield* copyAll(store, snapshot, onProgress);
    } finally {
      snapshot.release();
    }
  } finally {
    store.end();
  }
}

function* copyAll(
  store: StagedStore,
  snapshot: Snapshot,
  onProgress: OnProgress,
): Generator<void, BackupResult> {
  let done = 0;
  for (const log of snapshot.logs) {
    if (log.linkFrom === undefined || !store.link(log.linkFrom, log)) {
      yield* copyLog(store, log, (bytes) => onProgress((done + bytes) / snapshot.bytes));
    }
    done += log.bytes;
    onProgress(done / snapshot.bytes);
    yield;
  }
  store.publish(snapshot.decisive);
  return { logs: snapshot.logs.length, bytes: snapshot.bytes };
}

/** Copies one log, byte for byte. */
export function* copyLog(
  store: StagedStore,
  log: SnapshotLog,
  onCopied: (bytes: number) => void,
): Generator<void> {
  const copy = store.create(log);
  try {
    for (const chunk of log.chunks()) {
      copy.append(chunk);
      onCopied(copy.size);
      yield;
    }
    copy.finish();
  } finally {
    copy.close();
  }
}

/**
 * A snapshot as a tar archive: one member a log, and at last their checksums. It
 * can be unpacked by any tar, and what comes out is a store.
 */
export function* archiveOf(
  snapshot: Snapshot,
  onProgress: OnProgress = () => undefined,
): Generator<Uint8Array, undefined> {
  const checksums: { name: string; sha256: string }[] = [];
  let newest = 0;
  let done = 0;
  for (const log of snapshot.logs) {
    const { name, bytes, modified } = log;
    newest = Math.max(newest, modified);
    yield encodeMember({ name, bytes, modified });
    const hash = new Bun.CryptoHasher("sha256");
    for (const chunk of log.chunks()) {
      hash.update(chunk);
      yield chunk;
      done += chunk.length;
      onProgress(done / snapshot.bytes);
    }
    yield paddingAfter(bytes);
    checksums.push({ name, sha256: hash.digest("hex") });
  }
  const content = encodeChecksums(checksums);
  yield encodeMember({ name: CHECKSUMS_NAME, bytes: content.length, modified: newest });
  yield content;
  yield paddingAfter(content.length);
  yield END_OF_ARCHIVE;
}
