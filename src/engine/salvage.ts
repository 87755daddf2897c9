import { ByteWriter } from "../format/bytes.ts";
import type { LogCodec, RecordSpan } from "../format/codec.ts";
import { isForeign } from "../format/foreign-store.ts";
import type { LogHeader } from "../format/header.ts";
import { decodeKey, type EncodedKey, keyBytes } from "../format/key.ts";
import { codecFor, encodeLogHeader } from "../format/log-header.ts";
import { LogTally, type Mutation } from "../format/record.ts";
import { gapsBetween, keyInLine, recordsAmong, seemsSeal } from "../format/salvage.ts";
import type { Damage, Findings } from "./findings.ts";
import { newLogId } from "./identifiers.ts";
import { type DamageItem, LogWalk, type WalkableLog } from "./log-walk.ts";
import { type Loss, type PlannedLog, recordsIfSound } from "./repair-plan.ts";
import type { StagedLog, StagedStore } from "./staged-store.ts";
import type { OpenLog } from "./store-files.ts";

const CHUNK_BYTES: number = 1024 * 1024;

/** Damage longer than this is not looked into for records: it is no single frame. */
const MAX_SEARCHED_BYTES: number = 64 * 1024 * 1024;

const MOST_KEYS = 1000;

export interface SalvageOptions {
  readonly lost: Findings<Loss>;
  /** How far the newest log must be whole. */
  readonly promised: (log: OpenLog) => number;
  /** Told how many bytes of the sources were read. */
  readonly onRead: (bytes: number) => void;
}

/** Writes the logs of a new store, from what is whole in those of an old one. */
export class Salvage {
  readonly #store: StagedStore;
  readonly #storeId: string;
  readonly #options: SalvageOptions;
  #read = 0;
  bytes = 0;
  records = 0;
  readonly tornTails: Damage[] = [];

  constructor(store: StagedStore, storeId: string, options: SalvageOptions) {
    this.#store = store;
    this.#storeId = storeId;
    this.#options = options;
  }

  /** Writes one log. */
  *write(planned: PlannedLog): Generator<void> {
    const { sources, first, last } = planned;
    const [source] = sources;
    const header = source?.start.header;
    const hasSameHeader = header?.first === first && header.last === last && !isForeign(header);
    const mayCopy = sources.length === 1 && source !== undefined && hasSameHeader;
    const records = mayCopy ? yield* recordsIfSound(source) : undefined;
    if (source === undefined || records === undefined) {
      yield* this.#rewrite(planned);
      return;
    }
    yield* this.#copy(planned, source);
    this.records += records;
  }

  *#copy(planned: PlannedLog, { file, size }: OpenLog): Generator<void> {
    const log = this.#store.create(planned);
    try {
      for (let at = 0; at < size; at += CHUNK_BYTES) {
        log.append(file.read(at, CHUNK_BYTES));
        this.#progress(CHUNK_BYTES);
        yield;
      }
      log.finish();
    } finally {
      log.close();
    }
    this.bytes += log.size;
  }

  *#rewrite(planned: PlannedLog): Generator<void> {
    const { first, last, sources } = planned;
    const source = sources.at(-1);
    const inputs = sources.length === 1 ? (source?.start.header?.inputs ?? []) : [];
    const header = { storeId: this.#storeId, logId: newLogId(), first, last, inputs };
    const output = new SalvagedLog(this.#store.create(planned), header, source?.start.walkable?.codec);
    try {
      for (const each of sources) yield* this.#salvage(each, output);
      output.finish();
    } finally {
      output.close();
    }
    this.bytes += output.size;
    this.records += output.records;
  }

  *#salvage(log: OpenLog, output: SalvagedLog): Generator<void> {
    const { name, file, size, start } = log;
    const { header, fault = "it is damaged", walkable } = start;
    const lostStart = walkable === undefined ? size : walkable.start;
    if (header === undefined && lostStart > 0)
      this.#lose({ file: name, offset: 0, bytes: lostStart, reason: fault, keys: [] });
    if (walkable === undefined) return;
    const walk = new LogWalk(file, walkable, size);
    let readBefore = 0;
    for (const item of walk.items()) {
      if (item.kind === "frame")
        output.add(mutationsOf(walkable.codec, walk.view(item.position, item.length), item.position));
      if (item.kind === "damage") this.#salvageDamage(log, walkable, walk, item, output);
      this.#progress(walk.position - readBefore);
      readBefore = walk.position;
      yield;
    }
    this.#salvageEnd(log, walkable, walk, output);
  }

  #salvageEnd(log: OpenLog, walkable: WalkableLog, walk: LogWalk, output: SalvagedLog): void {
    const { name, size, isNewest, isCurrent } = log;
    const { rest } = walk;
    const { endsInSeal } = walkable.codec;
    const promised = this.#options.promised(log);
    if (rest !== undefined) {
      const { offset, reason, breaksOff } = rest;
      const isTorn = endsInSeal ? isNewest && offset >= promised : breaksOff;
      const bytes = size - offset;
      if (isTorn) this.tornTails.push({ file: name, offset, bytes, reason });
      else
        this.#salvageDamage(
          log,
          walkable,
          walk,
          { kind: "damage", position: offset, length: bytes, reason, isFrame: false },
          output,
        );
    } else if (endsInSeal && !walk.sealed && isCurrent) {
      const offset = walk.position;
      if (!isNewest)
        this.#lose({ file: name, offset, bytes: 0, reason: "the log breaks off before its seal", keys: [] });
      else if (offset < promised) {
        const reason = "the log breaks off before what was written to it";
        this.#lose({ file: name, offset, bytes: promised - offset, reason, keys: [] });
      }
    }
  }

  /**
   * Keeps what is whole in a damaged place. In a log that was written to, a frame is
   * one write: it is kept if all of it is there. In a merged one, records stand by themselves.
   */
  #salvageDamage(
    log: OpenLog,
    { codec }: WalkableLog,
    walk: LogWalk,
    item: DamageItem,
    output: SalvagedLog,
  ): void {
    const { position, length, reason, isFrame } = item;
    if (length === 0) return;
    const at = { file: log.name, reason };
    if (!isFrame && (length > MAX_SEARCHED_BYTES || !codec.hasChecksums)) {
      this.#lose({ ...at, offset: position, bytes: length, keys: [] });
      return;
    }
    const bytes = walk.view(position, length);
    const start = Math.min(codec.frameHeaderBytes, length);
    const spans = [...recordsAmong(codec, bytes, { start, end: length }, position + start)];
    const gaps = gapsBetween(spans, { start, end: length });
    if (gaps.length === 0 || isMerged(log)) {
      output.add(spans.map((span) => mutationOf(codec, bytes, span, position)));
      for (const gap of gaps) {
        const keys = guessKeys(codec, bytes, gap);
        this.#lose({ ...at, offset: position + gap.start, bytes: gap.end - gap.start, keys });
      }
      return;
    }
    const known = spans
      .slice(0, MOST_KEYS)
      .map(({ start: from, end }) => asKey(codec.keyOf(bytes, from, end)));
    const keys = [...known, ...gaps.flatMap((gap) => guessKeys(codec, bytes, gap))].slice(0, MOST_KEYS);
    this.#lose({ file: log.name, offset: position, bytes: length, reason, at: item.at, keys });
  }

  #lose(loss: Loss): void {
    this.#options.lost.add(loss, (before, after) => ({
      ...before,
      bytes: before.bytes + after.bytes,
      keys: [...before.keys, ...after.keys].slice(0, MOST_KEYS),
    }));
  }

  #progress(bytes: number): void {
    this.#read += bytes;
    this.#options.onRead(this.#read);
  }
}

/** A log of the new store, into which frames are encoded anew. */
class SalvagedLog {
  readonly #file: StagedLog;
  readonly #codec: LogCodec;
  /** Room for a chunk and the frame that ends it: what grows beyond what it starts with is given back each time. */
  readonly #pending = new ByteWriter(2 * CHUNK_BYTES);
  readonly #tally = new LogTally();

  constructor(file: StagedLog, header: LogHeader, like: LogCodec | undefined) {
    const format = like?.format ?? "binary";
    this.#file = file;
    this.#codec = codecFor(format, header.logId);
    this.#pending.append(encodeLogHeader(format, header));
  }

  get records(): number {
    return this.#tally.records;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#file.size + this.#pending.length;
  }

  /** Adds a frame; one without records is none. */
  add(mutations: readonly Mutation[]): void {
    if (mutations.length === 0) return;
    for (const { checksum } of this.#codec.encodeFrame(this.#pending, this.size, mutations))
      this.#tally.add(checksum);
    if (this.#pending.length >= CHUNK_BYTES) this.#write();
  }

  /** Seals the log and makes it durable. */
  finish(): void {
    const { records, digest } = this.#tally;
    const length = this.size;
    this.#codec.encodeSeal(this.#pending, length, { records, digest, length });
    this.#write();
    this.#file.finish();
  }

  close(): void {
    this.#file.close();
  }

  #write(): void {
    this.#file.append(this.#pending.view());
    this.#pending.clear();
  }
}

function mutationsOf(codec: LogCodec, bytes: Buffer, position: number): Mutation[] {
  const frame = codec.parseFrame(bytes, 0, position);
  if (frame.status !== "records") throw new Error("A frame that verified is one");
  return frame.records.map((record) => {
    const start = record.position - position;
    return mutationOf(codec, bytes, { start, end: start + record.length }, position);
  });
}

/** The record as it was written; its value is a part of `bytes`, which start at `position`. */
function mutationOf(codec: LogCodec, bytes: Buffer, { start, end }: RecordSpan, position: number): Mutation {
  const record = codec.decodeRecord(bytes, position + start, start, end);
  if (record === undefined) throw new Error("A record that verified is one");
  const { kind, key, value, encoding, expiresAt } = record;
  return { kind, key, value, encoding, expiresAt };
}

/** Merged logs alone stand for several generations. */
function isMerged({ first, last, start }: OpenLog): boolean {
  return start.header === undefined ? first !== last : start.header.inputs.length > 0;
}

/** The key that a damaged record seems to have: its lengths are believed if they fit. */
function guessKeys(codec: LogCodec, bytes: Buffer, { start, end }: RecordSpan): (string | Uint8Array)[] {
  if (!codec.hasChecksums) {
    const key = keyInLine(bytes.subarray(start, end));
    return key === undefined ? [] : [key];
  }
  if (seemsSeal(bytes, start)) return [];
  return codec.endOfRecord(bytes, start) === end ? [asKey(codec.keyOf(bytes, start, end))] : [];
}

function asKey(key: EncodedKey): string | Uint8Array {
  return decodeKey(key) ?? new Uint8Array(keyBytes(key));
}
