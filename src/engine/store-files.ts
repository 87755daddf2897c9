import type { Disk, ReadableFile } from "../disk/disk.ts";
import {
  COMPACT_NAME,
  LOCK_NAME,
  parseIndexName,
  parseLogName,
  parseTemporaryName,
  isImportName,
} from "../disk/file-names.ts";
import { systemCode } from "../disk/io-error.ts";
import { KvsError } from "../format/errors.ts";
import { belongsTo, isForeign } from "../format/foreign-store.ts";
import type { Interval } from "../format/header.ts";
import { HINT_BYTES, type Hint, parseHint, promisedBytes } from "../format/hint.ts";
import { type LogStart, lostStart, startOf } from "./log-start.ts";
import { patient, type PatientFile } from "./patient-file.ts";
import { tile } from "./tiling.ts";

/** Listings that may be made while others publish and remove what was just listed. */
const LISTING_ATTEMPTS = 200;
const LISTING_PAUSE_MS = 1;

/** A log of a store, opened whatever state it is in. */
export interface OpenLog extends Interval {
  readonly name: string;
  readonly file: PatientFile;
  readonly size: number;
  readonly start: LogStart;
  /** Nothing supersedes it. */
  readonly isCurrent: boolean;
  /** The current log with the highest numbers. */
  readonly isNewest: boolean;
  /** Its header is that of another store than most of the logs have. */
  readonly isStranger: boolean;
}

/** The files of a store that may be in any state. */
export interface StoreFiles {
  readonly names: readonly string[];
  /** As it was before the logs were looked at; undefined where there is none that can be used. */
  readonly hint: Hint | undefined;
  /** LOCK holds something else than a hint. */
  readonly isHintDamaged: boolean;
  readonly logs: readonly OpenLog[];
  /** The id that most logs name; undefined where none does. */
  readonly storeId: string | undefined;
  /** Names of logs that are something else than a file. */
  readonly unusable: readonly { readonly name: string; readonly reason: string }[];
  close(): void;
}

/** Opens everything that is named as a log. What others do meanwhile is not seen any more; throws `NO_STORE`. */
export function* openStoreFiles(disk: Disk, directory: string): Generator<void, StoreFiles> {
  for (let attempt = 0; attempt < LISTING_ATTEMPTS; attempt += 1) {
    if (attempt > 0) Bun.sleepSync(LISTING_PAUSE_MS);
    const lock = readLock(disk, directory);
    const names = disk.list(directory)?.toSorted();
    if (names === undefined) {
      throw new KvsError("NO_STORE", `Cannot open store "${directory}": there is no such directory`);
    }
    const opened = openAll(disk, directory, names);
    if (opened === undefined) continue;
    let isComplete = false;
    const close = (): void => opened.files.forEach(({ file }) => file.close());
    try {
      const found = yield* describe(opened.files, lock.hint);
      isComplete = true;
      return { names, ...lock, ...found, unusable: opened.unusable, close };
    } finally {
      if (!isComplete) close();
    }
  }
  throw new KvsError(
    "IO",
    `Cannot open store "${directory}": its files change faster than they can be listed`,
  );
}

/** How far a log must be whole, by what LOCK says: nothing is promised of any but the newest. */
export function promisedOf({ hint }: StoreFiles, { isNewest, start }: OpenLog, bootId: string): number {
  if (!isNewest || hint === undefined || hint.logId !== start.header?.logId) return 0;
  return promisedBytes(hint, bootId);
}

/** What a name in a store's directory stands for. */
export function kindOf(name: string): "log" | "index" | "lock" | "unfinished" | "other" {
  if (parseLogName(name) !== undefined) return "log";
  if (parseIndexName(name) !== undefined) return "index";
  if (parseTemporaryName(name) !== undefined || isImportName(name)) return "unfinished";
  return name === LOCK_NAME || name === COMPACT_NAME ? "lock" : "other";
}

/** A hint that is being written fails its checksum for a moment. */
const HINT_ATTEMPTS = 5;

/** The hint as it is now, without a lock. */
export function readHint(disk: Disk, directory: string): Hint | undefined {
  return readLock(disk, directory).hint;
}

function readLock(disk: Disk, directory: string): Pick<StoreFiles, "hint" | "isHintDamaged"> {
  const file = disk.openToRead(`${directory}/${LOCK_NAME}`);
  try {
    if (file === undefined) return { hint: undefined, isHintDamaged: false };
    for (let attempt = 0; attempt < HINT_ATTEMPTS; attempt += 1) {
      if (attempt > 0) Bun.sleepSync(LISTING_PAUSE_MS);
      const bytes = file.read(0, HINT_BYTES);
      const hint = parseHint(bytes);
      // LOCK comes into being empty.
      if (hint !== undefined || bytes.every((byte) => byte === 0)) return { hint, isHintDamaged: false };
    }
    return { hint: undefined, isHintDamaged: file !== undefined };
  } finally {
    file?.close();
  }
}

interface OpenedFile extends Interval {
  readonly name: string;
  readonly file: PatientFile;
}

interface Opened {
  readonly files: readonly OpenedFile[];
  readonly unusable: StoreFiles["unusable"];
}

/** Undefined if a log vanished since it was listed. */
function openAll(disk: Disk, directory: string, names: readonly string[]): Opened | undefined {
  const files: OpenedFile[] = [];
  const unusable: { name: string; reason: string }[] = [];
  let isComplete = false;
  try {
    for (const name of names) {
      const interval = parseLogName(name);
      if (interval === undefined) continue;
      const file = openOr(disk, `${directory}/${name}`, (reason) => unusable.push({ name, reason }));
      if (file === undefined && unusable.at(-1)?.name !== name) return undefined;
      if (file !== undefined) files.push({ ...interval, name, file: patient(file) });
    }
    isComplete = true;
    return { files: files.toSorted((a, b) => a.first - b.first || a.last - b.last), unusable };
  } finally {
    if (!isComplete) for (const { file } of files) file.close();
  }
}

/** Opens a file; what is no file at all is for the caller to note. */
function openOr(disk: Disk, path: string, refuse: (reason: string) => void): ReadableFile | undefined {
  try {
    return disk.openToRead(path);
  } catch (error) {
    if (!(error instanceof KvsError)) throw error;
    const code = systemCode(error.cause);
    if (code !== undefined && code !== "ELOOP") throw error;
    refuse(code === "ELOOP" ? "it is a symbolic link" : "it is not a regular file");
    return undefined;
  }
}

function* describe(
  files: readonly OpenedFile[],
  hint: Hint | undefined,
): Generator<void, Pick<StoreFiles, "logs" | "storeId">> {
  const starts = new Map<OpenedFile, LogStart>();
  for (const log of files) starts.set(log, yield* startOf(log.file, log));
  const storeId = mostNamed([...starts.values()]);
  for (const [log, start] of starts) {
    const { header } = start;
    if (header === undefined || !isForeign(header)) continue;
    const isOurs = storeId === undefined ? hint === undefined : belongsTo(header, storeId);
    if (!isOurs) starts.set(log, yield* lostStart(log.file, "it has no header"));
  }
  const { current } = tile(files);
  const logs = files.map((log): OpenLog => {
    const start = starts.get(log) ?? { header: undefined, fault: undefined, walkable: undefined };
    const { header } = start;
    return {
      ...log,
      size: log.file.size(),
      start,
      isCurrent: current.includes(log),
      isNewest: log === current.at(-1),
      isStranger: header !== undefined && storeId !== undefined && !belongsTo(header, storeId),
    };
  });
  return { logs, storeId };
}

/** The store id that most headers name, of those named equally often the one in the oldest log. */
function mostNamed(starts: readonly LogStart[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { header } of starts) {
    if (header === undefined || isForeign(header)) continue;
    counts.set(header.storeId, (counts.get(header.storeId) ?? 0) + 1);
  }
  const [first] = [...counts].toSorted(([, a], [, b]) => b - a);
  return first?.[0];
}
