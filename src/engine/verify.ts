import type { Disk } from "../disk/disk.ts";
import {
  COMPACT_NAME,
  indexName,
  LOCK_NAME,
  parseIndexName,
  parseLogName,
  parseTemporaryName,
} from "../disk/file-names.ts";
import { KvsError } from "../format/errors.ts";
import type { Interval } from "../format/header.ts";
import { Generations } from "./generations.ts";
import { HintReader } from "./hint-reader.ts";
import { IndexReader } from "./index-reader.ts";
import { Log, type LogOptions } from "./log.ts";
import { UnusableIndex } from "./pages.ts";
import { runOf, EVERYTHING } from "./runs.ts";

/** Read without maps: a bad sector is an error then, and no signal. */
const READ_ONCE: LogOptions = { map: false, tailBytes: 1024 * 1024 };

/** One damaged place. */
export interface Damage {
  /** Absolute path of the file, or of the directory. */
  readonly file: string;
  /** Byte offset in the file, where there is one. */
  readonly offset: number | undefined;
  readonly reason: string;
}

/** What a verification found. */
export interface VerifyReport {
  /** Logs and indexes that were read to their end. */
  readonly logs: number;
  readonly indexes: number;
  /** Bytes of an unfinished write at the end of the newest log, which the next writer cuts off; no damage. */
  readonly tornTailBytes: number;
  readonly damage: readonly Damage[];
  /** Names in the directory that are not the store's, and files that nobody needs any more. */
  readonly strangers: readonly string[];
}

/**
 * Reads every checksum of every file of a store, and the logs' order. Takes no
 * lock and changes nothing; works on stores that do not open, too.
 *
 * Yields after each file. Throws `NO_STORE` where there is no directory, `IO`.
 */
export function* verifyFiles(disk: Disk, directory: string): Generator<void, VerifyReport> {
  const names = disk.list(directory);
  if (names === undefined) {
    throw new KvsError("NO_STORE", `Cannot open store "${directory}": there is no such directory`);
  }
  const check = new Verification(disk, directory);
  check.verifyOrder();
  yield;
  for (const interval of names.flatMap((name) => parseLogName(name) ?? [])) {
    check.verifyLog(interval);
    yield;
  }
  for (const interval of names.flatMap((name) => parseIndexName(name) ?? [])) {
    check.verifyIndex(interval);
    yield;
  }
  return check.report(names.filter((name) => isStranger(name)).toSorted());
}

function isStranger(name: string): boolean {
  const isOurs = parseLogName(name) !== undefined || parseIndexName(name) !== undefined;
  return !isOurs && name !== LOCK_NAME && name !== COMPACT_NAME && parseTemporaryName(name) === undefined;
}

/** Collects what is found, file by file. */
class Verification {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #damage: Damage[] = [];
  /** Last generation of the log that is written to, which needs no seal. */
  #newest = 0;
  #tornTailBytes = 0;
  #logs = 0;
  #indexes = 0;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  report(strangers: readonly string[]): VerifyReport {
    // A log that is damaged is met twice: in the order of all logs, and by itself.
    const seen = new Set<string>();
    const damage = this.#damage.filter(({ file, offset }) => {
      const place = `${file} ${offset}`;
      return seen.size < seen.add(place).size;
    });
    const [logs, indexes, tornTailBytes] = [this.#logs, this.#indexes, this.#tornTailBytes];
    return { logs, indexes, tornTailBytes, damage, strangers };
  }

  /** The logs' names, headers and order, and the newest log as far as LOCK promises it. */
  verifyOrder(): void {
    const hints = new HintReader(this.#disk, this.#directory, READ_ONCE);
    const generations = new Generations(this.#disk, this.#directory, hints, READ_ONCE);
    try {
      this.#collect(this.#directory, () => {
        generations.reload();
        const { newest } = generations;
        if (newest === undefined) return;
        this.#newest = newest.last;
        generations.checkNewest();
        // Counting them parses what was only summed up.
        this.#tornTailBytes = newest.sealed || newest.tally.records < 0 ? 0 : newest.size() - newest.end;
      });
    } finally {
      generations.close();
      hints.close();
    }
  }

  verifyLog(interval: Interval): void {
    this.#withLog(interval, (log) => {
      this.#logs += 1;
      // The newest has been read; a foreign one has no seal, and was read as well.
      if (log.last === this.#newest || log.isForeign) return;
      const before = this.#damage.length;
      this.#collect(log.path, () => log.verifySealed());
      if (this.#damage.length > before) this.#findFurther(log);
    });
  }

  verifyIndex(interval: Interval): void {
    const path = `${this.#directory}/${indexName(interval)}`;
    this.#withLog(interval, (log) => {
      const file = this.#disk.openToRead(path);
      if (file === undefined) return;
      const reader = IndexReader.open(file, log, READ_ONCE);
      if (reader === undefined) {
        this.#damage.push({
          file: path,
          offset: undefined,
          reason: "the index does not fit its log, and is not used",
        });
        return;
      }
      this.#indexes += 1;
      try {
        reader.verify();
      } catch (error) {
        if (!(error instanceof UnusableIndex)) throw error;
        this.#damage.push({
          file: path,
          offset: undefined,
          reason: `${error.message}, and the index is not used`,
        });
      } finally {
        reader.close();
      }
    });
  }

  /** Behind the first damage of a log only its index knows where records are. */
  #findFurther(log: Log): void {
    if (log.summary === undefined) return;
    const { order, to } = runOf(log, EVERYTHING);
    for (let place = 0; place < to; place += 1) {
      this.#collect(log.path, () => void log.recordAt(order.positionAt(place), order.lengthAt(place)));
    }
  }

  /** Opens a log; one that is gone was replaced meanwhile, and needs no verification. */
  #withLog(interval: Interval, work: (log: Log) => void): void {
    this.#collect(this.#directory, () => {
      const log = Log.open(this.#disk, this.#directory, interval, READ_ONCE);
      if (log === undefined) return;
      try {
        work(log);
      } finally {
        log.release();
      }
    });
  }

  #collect(path: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof KvsError) || (error.code !== "CORRUPT" && error.code !== "UNSUPPORTED_VERSION"))
        throw error;
      this.#damage.push({ file: error.file ?? path, offset: error.offset, reason: error.message });
    }
  }
}
