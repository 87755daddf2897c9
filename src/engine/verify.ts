import type { Disk } from "../disk/disk.ts";
import { LOCK_NAME } from "../disk/file-names.ts";
import { KvsError } from "../format/errors.ts";
import type { RecordSpan } from "../format/codec.ts";
import { HINT_BYTES } from "../format/hint.ts";
import { gapsBetween, recordsAmong } from "../format/salvage.ts";
import { type Damage, Findings, located } from "./findings.ts";
import { Generations } from "./generations.ts";
import { HintReader } from "./hint-reader.ts";
import { type DamageItem, LogWalk, type WalkableLog } from "./log-walk.ts";
import {
  kindOf,
  type OpenLog,
  openStoreFiles,
  promisedOf,
  readHint,
  type StoreFiles,
} from "./store-files.ts";
import { verifyIndexes } from "./verify-indexes.ts";

/** What the judgement over all files together keeps of the newest log in memory. */
const TAIL_BYTES: number = 1024 * 1024;

/** What a verification found. */
export interface VerifyReport {
  /** Absolute path of the store. */
  readonly directory: string;
  /** Logs and indexes that were read to their end, and their bytes. */
  readonly logs: number;
  readonly indexes: number;
  readonly bytes: number;
  /** Records that are whole, those among them that were overwritten since. */
  readonly records: number;
  /** What is wrong, the first 1,000 places; empty for a sound store. */
  readonly damage: readonly Damage[];
  /** How many such places there are. */
  readonly damageCount: number;
  /** Ends of logs that a write which was cut short has left; the next writer cuts them off. No damage. */
  readonly tornTails: readonly Damage[];
  /** Unfinished files of writers and compactions, dead or at work. */
  readonly unfinished: readonly string[];
  /** Names in the directory that are not the store's; they are left alone. */
  readonly strangers: readonly string[];
}

/** Told how far long work has come, from 0 to 1. */
export type OnProgress = (done: number) => void;

/**
 * Reads every byte of a store and verifies every checksum, in steps. Takes no
 * lock and changes nothing; writers may go on. Of the newest log, what is there
 * when it begins is verified.
 */
export function* verifyFiles(
  disk: Disk,
  directory: string,
  onProgress: OnProgress = () => undefined,
): Generator<void, VerifyReport> {
  const files = yield* openStoreFiles(disk, directory);
  try {
    const verification = new Verification(disk, directory, files, onProgress);
    yield* verification.run();
    return verification.result();
  } finally {
    files.close();
  }
}

/** Where a log ends, and what was found until there. */
interface Walked {
  readonly walk: LogWalk;
  readonly damage: Findings;
}

class Verification {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #files: StoreFiles;
  readonly #onProgress: OnProgress;
  readonly #damage = new Findings();
  readonly #tornTails: Damage[] = [];
  readonly #allBytes: number;
  #doneBytes = 0;
  #records = 0;
  #indexes = 0;

  constructor(disk: Disk, directory: string, files: StoreFiles, onProgress: OnProgress) {
    this.#disk = disk;
    this.#directory = directory;
    this.#files = files;
    this.#onProgress = onProgress;
    this.#allBytes = files.logs.reduce((sum, { size }) => sum + size, 1);
  }

  *run(): Generator<void> {
    const { logs, unusable, isHintDamaged } = this.#files;
    for (const { name, reason } of unusable) this.#damage.add({ file: name, offset: 0, bytes: 0, reason });
    for (const log of logs) yield* this.#verifyLog(log);
    for (const { bytes, damage } of yield* verifyIndexes(this.#disk, this.#directory, logs)) {
      this.#indexes += 1;
      this.#doneBytes += bytes;
      this.#addAll(damage);
    }
    if (isHintDamaged) {
      const reason = "the hint fails its checksum; the next write makes it anew";
      this.#damage.add({ file: LOCK_NAME, offset: 0, bytes: HINT_BYTES, reason });
    }
    this.#judgeTogether();
  }

  result(): VerifyReport {
    const { names, logs } = this.#files;
    const directory = this.#directory;
    return {
      directory,
      logs: logs.length,
      indexes: this.#indexes,
      bytes: this.#doneBytes,
      records: this.#records,
      damage: located(directory, this.#damage.listed),
      damageCount: this.#damage.count,
      tornTails: located(directory, this.#tornTails),
      unfinished: names.filter((name) => kindOf(name) === "unfinished"),
      strangers: names.filter((name) => kindOf(name) === "other"),
    };
  }

  *#verifyLog(log: OpenLog): Generator<void> {
    const { name, size, start } = log;
    const { fault, walkable } = start;
    if (fault !== undefined) {
      const bytes = walkable?.start ?? size;
      this.#damage.add({ file: name, offset: 0, bytes, reason: fault });
    }
    if (log.isStranger) {
      this.#damage.add({ file: name, offset: 0, bytes: size, reason: "it belongs to another store" });
    }
    if (walkable !== undefined) {
      const walked = yield* this.#walk(log, walkable, new LogWalk(log.file, walkable, size));
      this.#records += walked.walk.tally.records;
      this.#judge(log, walked);
    }
    this.#doneBytes += size;
  }

  *#walk({ name }: OpenLog, walkable: WalkableLog, walk: LogWalk): Generator<void, Walked> {
    const damage = new Findings();
    for (const item of walk.items()) {
      this.#onProgress(Math.min(1, (this.#doneBytes + walk.position) / this.#allBytes));
      yield;
      if (item.kind !== "damage") continue;
      for (const { start: from, end } of damagedParts(item, walkable, walk)) {
        damage.add({ file: name, offset: item.position + from, bytes: end - from, reason: item.reason });
      }
    }
    return { walk, damage };
  }

  #addAll(findings: Findings): void {
    for (const found of findings.listed) this.#damage.add(found);
    this.#damage.count += findings.count - findings.listed.length;
  }

  /** Notes what is wrong in a log and at its end: a newest one ends where the last write did, any other in its seal. */
  #judge(log: OpenLog, { walk, damage }: Walked): void {
    const { name, size, isNewest, isCurrent } = log;
    const { rest } = walk;
    const restDamage = rest && {
      file: name,
      offset: rest.offset,
      bytes: size - rest.offset,
      reason: rest.reason,
    };
    const first = damage.listed[0] ?? restDamage;
    const isOpenEnded = isNewest && !walk.sealed && log.start.walkable?.codec.endsInSeal === true;
    if (first !== undefined && isOpenEnded && first.offset >= this.#promised(log)) {
      this.#noteTornTail(log, first, { hasMore: damage.count > 0 });
      return;
    }
    this.#addAll(damage);
    if (restDamage !== undefined) this.#judgeRest(log, walk, restDamage);
    else if (!walk.sealed && isCurrent) this.#judgeMissingEnd(log, walk);
  }

  #judgeRest(log: OpenLog, walk: LogWalk, rest: Damage): void {
    // The end of a foreign log is passed over, and a log that was replaced may have been the newest one then.
    const endsInSeal = log.start.walkable?.codec.endsInSeal === true;
    const isPassedOver = walk.rest?.breaksOff === true && !endsInSeal;
    const isTorn = endsInSeal && log.isNewest && rest.offset >= this.#promised(log);
    if (isPassedOver || isTorn) this.#tornTails.push(rest);
    else if (log.isCurrent) this.#damage.add(rest);
  }

  #judgeMissingEnd(log: OpenLog, { position }: LogWalk): void {
    if (log.start.walkable?.codec.endsInSeal !== true) return;
    const at = { file: log.name, offset: position };
    const promised = this.#promised(log);
    if (!log.isNewest) {
      this.#damage.add({ ...at, bytes: 0, reason: "the log breaks off before its seal" });
    } else if (position < promised) {
      const reason = "the log breaks off before what was written to it";
      this.#damage.add({ ...at, bytes: promised - position, reason });
    }
  }

  /** A torn tail, unless somebody is just writing it. */
  #noteTornTail(log: OpenLog, { offset, reason }: Damage, { hasMore }: { readonly hasMore: boolean }): void {
    const before = this.#files.hint;
    const now = readHint(this.#disk, this.#directory);
    if (before?.counter !== now?.counter || log.file.size() !== log.size) return;
    const more = hasMore ? "; whole records stand behind it" : "";
    this.#tornTails.push({ file: log.name, offset, bytes: log.size - offset, reason: reason + more });
  }

  #promised(log: OpenLog): number {
    return promisedOf(this.#files, log, this.#disk.bootId());
  }

  /** What is wrong with the files as a whole, the engine itself tells: missing logs, claims that nothing supports. */
  #judgeTogether(): void {
    const error = this.#whyNotReadable();
    if (error === undefined) return;
    const { file = this.#directory, offset = 0 } = error;
    const name = file === this.#directory ? "." : file.slice(this.#directory.length + 1);
    const isKnown = this.#damage.listed.some((found) => found.file === name && found.offset === offset);
    if (isKnown || (name !== "." && this.#damage.listed.some((found) => found.file === name))) return;
    this.#damage.add({ file: name, offset, bytes: 0, reason: reasonOf(error, file) });
  }

  #whyNotReadable(): KvsError | undefined {
    const hints = new HintReader(this.#disk, this.#directory);
    const options = { map: false, tailBytes: TAIL_BYTES };
    const generations = new Generations(this.#disk, this.#directory, hints, options);
    try {
      generations.reload();
      generations.checkNewest();
      return undefined;
    } catch (error) {
      if (!(error instanceof KvsError)) throw error;
      if (error.code === "CORRUPT") return error;
      // What cannot be read is listed already.
      if (error.code === "IO" && this.#damage.count > 0) return undefined;
      throw error;
    } finally {
      generations.close();
      hints.close();
    }
  }
}

/** Of a damaged frame the records that do not verify; of anything else all of it. */
function damagedParts(item: DamageItem, { codec }: WalkableLog, walk: LogWalk): readonly RecordSpan[] {
  if (!item.isFrame || !codec.hasChecksums) return [{ start: 0, end: item.length }];
  const bytes = walk.view(item.position, item.length);
  const records = { start: codec.frameHeaderBytes, end: item.length };
  const spans = [...recordsAmong(codec, bytes, records, item.position + records.start)];
  // A frame all of whose records verify is none that is damaged.
  return gapsBetween(spans, records);
}

/** The part of an error's message that says why: it stands between the file and the offset. */
function reasonOf({ message, offset }: KvsError, file: string): string {
  const lead = `"${file}": `;
  const end = offset === undefined ? "" : ` at offset ${offset}`;
  return message.slice(message.indexOf(lead) + lead.length, message.length - end.length);
}
