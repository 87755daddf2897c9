import type { AppendableFile, Disk } from "../disk/disk.ts";
import { logName, temporaryName } from "../disk/file-names.ts";
import { publish } from "../disk/publish.ts";
import { ByteWriter } from "../format/bytes.ts";
import type { LogCodec, LogFormat } from "../format/codec.ts";
import type { Interval, LogHeader } from "../format/header.ts";
import type { EncodedKey } from "../format/key.ts";
import { codecFor, encodeLogHeader } from "../format/log-header.ts";
import { LogTally, type Mutation } from "../format/record.ts";
import { isLive } from "./generations.ts";
import { newLogId } from "./identifiers.ts";
import type { Log } from "./log.ts";
import { type KeyRange, type Newest, newestByKey, runOfSealed } from "./runs.ts";

/** Records share a frame up to this size: a frame's header is then paid for once by many. */
const FRAME_BYTES = 64 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** The output is synced after each of these, so that one huge sync does not stall every other one on the disk. */
const SYNC_INTERVAL_BYTES = 8 * 1024 * 1024;

const EVERYTHING: KeyRange = { from: "" as EncodedKey, to: undefined };

export interface Merge {
  readonly disk: Disk;
  readonly directory: string;
  /** Neighbours, oldest first; all of them read to their end. */
  readonly inputs: readonly Log[];
  /** What the output stands for: at least the inputs, and never a name that was used before. */
  readonly interval: Interval;
  readonly format: LogFormat;
  /** The time that decides which records have expired, in absolute milliseconds. */
  readonly now: number;
}

/** A merged log that is whole and durable under its temporary name. */
export interface MergedLog {
  readonly header: LogHeader;
  readonly bytes: number;
}

/**
 * Merges logs into one, sorted by key, that holds the newest record of each key
 * among them. It judges by its inputs alone: newer logs may not be durable.
 *
 * A removal is dropped only where nothing older exists; above that an expired
 * record becomes a removal, since dropping it would bring an older value back.
 *
 * Yields between frames, for the caller to let others run or to stop.
 */
export function* mergeLogs(merge: Merge): Generator<void, MergedLog> {
  const { disk, directory, inputs, interval, format } = merge;
  const header: LogHeader = {
    storeId: inputs[0]?.header.storeId ?? "",
    logId: newLogId(),
    ...interval,
    inputs: inputs.map((input) => input.header.logId),
  };
  const path = `${directory}/${temporaryName(logName(interval))}`;
  const file = disk.create(path);
  let finished = false;
  try {
    const output = new MergeOutput(file, encodeLogHeader(format, header), codecFor(format, header.logId));
    for (const mutation of survivors(merge)) {
      if (output.add(mutation)) yield;
    }
    const bytes = output.finish();
    finished = true;
    return { header, bytes };
  } finally {
    file.close();
    if (!finished) disk.unlink(path);
  }
}

/** Puts a merged log in the place of its inputs: the commit point of a merge. */
export function finishMerge(disk: Disk, directory: string, { header }: MergedLog): void {
  publish(disk, directory, `${directory}/${logName(header)}`);
}

function* survivors({ inputs, interval, now }: Merge): Generator<Mutation> {
  const runs = inputs.map((input) => runOfSealed(input, EVERYTHING));
  const bottom = interval.first === 1;
  for (const newest of newestByKey(runs, { reverse: false })) {
    if (isLive(newest.ref, now)) yield copyOf(newest);
    else if (!bottom) yield { kind: "remove", key: newest.key, value: "", expiresAt: 0 };
  }
}

/** The record as it was read: every checksum is verified on the way. */
function copyOf({ key, log, ref }: Newest): Mutation {
  const { kind, value, encoding, expiresAt } = log.read(key, ref);
  return { kind, key, value, encoding, expiresAt };
}

/** Encodes a merge's records into its file, many to a frame. */
class MergeOutput {
  readonly #file: AppendableFile;
  readonly #codec: LogCodec;
  readonly #pending = new ByteWriter(CHUNK_BYTES);
  readonly #tally = new LogTally();
  #frame: Mutation[] = [];
  #frameBytes = 0;
  #end: number;
  #written = 0;
  #synced = 0;

  constructor(file: AppendableFile, header: Buffer, codec: LogCodec) {
    this.#file = file;
    this.#codec = codec;
    this.#pending.append(header);
    this.#end = header.length;
  }

  /** Takes one record; true when a frame was completed. */
  add(mutation: Mutation): boolean {
    this.#frame.push(mutation);
    this.#frameBytes += mutation.key.length + mutation.value.length;
    // A JSON frame of several records is a batch, and says so on every line: one a line reads better.
    if (this.#codec.format === "binary" && this.#frameBytes < FRAME_BYTES) return false;
    this.#endFrame();
    return true;
  }

  /** Seals the log and makes it durable; its size in bytes. */
  finish(): number {
    if (this.#frame.length > 0) this.#endFrame();
    const { records, digest } = this.#tally;
    this.#codec.encodeSeal(this.#pending, this.#end, { records, digest, length: this.#end });
    this.#write();
    this.#file.sync();
    return this.#written;
  }

  #endFrame(): void {
    const before = this.#pending.length;
    for (const record of this.#codec.encodeFrame(this.#pending, this.#end, this.#frame)) {
      this.#tally.add(record.checksum);
    }
    this.#end += this.#pending.length - before;
    this.#frame = [];
    this.#frameBytes = 0;
    if (this.#pending.length >= CHUNK_BYTES) this.#write();
  }

  #write(): void {
    this.#file.append(this.#pending.view(), this.#written);
    this.#written += this.#pending.length;
    this.#pending.clear();
    if (this.#end - this.#synced < SYNC_INTERVAL_BYTES) return;
    this.#file.sync();
    this.#synced = this.#end;
  }
}
