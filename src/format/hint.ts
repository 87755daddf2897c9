import { crc32, readUint64, writeUint64 } from "./bytes.ts";
import { hasBug } from "./seeded-bugs.ts";

/**
 * What the file LOCK says of the store. A hint only ever adds knowledge: with it
 * lost, every answer is the same but a torn tail cannot be told from damage.
 */
export interface Hint {
  /** Odd from before a write's first byte until after its last; another value for every change. */
  readonly counter: number;
  /** The newest log, its generation number, and how much of it was written and made durable. */
  readonly logId: string;
  readonly generation: number;
  readonly writtenBytes: number;
  readonly syncedBytes: number;
  /** The boot of the machine during which `writtenBytes` held. */
  readonly bootId: string;
  /** A sync failed: in this boot, what is read back may not be what is on the disk. */
  readonly suspect: boolean;
  /** Torn tails cut off since the store was created. */
  readonly tornTailsCut: number;
  /** Changes whenever the set of logs does: at every rotation and publish. */
  readonly layout: number;
  /**
   * CRC-32 of the newest log's bytes from the end of its header up to
   * `writtenBytes`: one look at it verifies the whole tail.
   */
  readonly tailDigest: number;
}

const MAGIC = "KVSLOCK1";
const LOG_ID_BYTES = 8;
const BOOT_ID_BYTES = 16;
const SUSPECT = 1;

/** Stands for a boot that cannot be told from others. */
export const UNKNOWN_BOOT: string = "0".repeat(2 * BOOT_ID_BYTES);

const COUNTER_AT: number = MAGIC.length;
const LOG_ID_AT: number = COUNTER_AT + 8;
const GENERATION_AT: number = LOG_ID_AT + LOG_ID_BYTES;
const WRITTEN_AT: number = GENERATION_AT + 8;
const SYNCED_AT: number = WRITTEN_AT + 8;
const BOOT_ID_AT: number = SYNCED_AT + 8;
const FLAGS_AT: number = BOOT_ID_AT + BOOT_ID_BYTES;
const TORN_TAILS_AT: number = FLAGS_AT + 4;
const LAYOUT_AT: number = TORN_TAILS_AT + 4;
const TAIL_DIGEST_AT: number = LAYOUT_AT + 4;
const CRC_AT: number = TAIL_DIGEST_AT + 4;

/** Bytes of the hint, from the start of LOCK. */
export const HINT_BYTES: number = CRC_AT + 4;

/**
 * The words of 32 bits that another hint differs in: its counter, which is never
 * used twice, and its checksum, should the counter be seen half-written.
 */
export const HINT_CHANGE_WORDS: readonly number[] = [COUNTER_AT / 4, COUNTER_AT / 4 + 1, CRC_AT / 4];

/** Where a process that waits for the lock leaves a non-zero byte: the holder's cue to let others in. */
export const WAITER_MARK_AT = 128;

/** Where the holder of the lock leaves its process id, four bytes: for messages only, never for deciding. */
export const HOLDER_AT: number = WAITER_MARK_AT + 4;

/** Where it is counted how often a new log had to wait for a merge, four bytes: for `stats` only. */
export const POSTPONED_AT: number = HOLDER_AT + 4;

/** Random counters stay below 2^52, so that the sequence never leaves the safe integers. */
export const MAX_FIRST_COUNTER: number = 2 ** 52;

export function encodeHint(hint: Hint): Buffer {
  const bytes = Buffer.alloc(HINT_BYTES);
  bytes.latin1Write(MAGIC, 0);
  writeUint64(bytes, hint.counter, COUNTER_AT);
  bytes.write(hint.logId, LOG_ID_AT, LOG_ID_BYTES, "hex");
  writeUint64(bytes, hint.generation, GENERATION_AT);
  writeUint64(bytes, hint.writtenBytes, WRITTEN_AT);
  writeUint64(bytes, hint.syncedBytes, SYNCED_AT);
  bytes.write(hint.bootId, BOOT_ID_AT, BOOT_ID_BYTES, "hex");
  bytes.writeUInt32LE(hint.suspect ? SUSPECT : 0, FLAGS_AT);
  bytes.writeUInt32LE(hint.tornTailsCut, TORN_TAILS_AT);
  bytes.writeUInt32LE(hint.layout, LAYOUT_AT);
  bytes.writeUInt32LE(hint.tailDigest, TAIL_DIGEST_AT);
  bytes.writeUInt32LE(crc32(bytes, 0, CRC_AT, 0), CRC_AT);
  return bytes;
}

/** Parses the hint; undefined when it is missing or fails its checksum. */
export function parseHint(bytes: Buffer): Hint | undefined {
  if (bytes.length < HINT_BYTES || bytes.latin1Slice(0, COUNTER_AT) !== MAGIC) return undefined;
  if (crc32(bytes, 0, CRC_AT, 0) !== bytes.readUInt32LE(CRC_AT)) return undefined;
  const hint = {
    counter: readUint64(bytes, COUNTER_AT),
    logId: bytes.toString("hex", LOG_ID_AT, GENERATION_AT),
    generation: readUint64(bytes, GENERATION_AT),
    writtenBytes: readUint64(bytes, WRITTEN_AT),
    syncedBytes: readUint64(bytes, SYNCED_AT),
    bootId: bytes.toString("hex", BOOT_ID_AT, FLAGS_AT),
    suspect: (bytes.readUInt32LE(FLAGS_AT) & SUSPECT) !== 0,
    tornTailsCut: bytes.readUInt32LE(TORN_TAILS_AT),
    layout: bytes.readUInt32LE(LAYOUT_AT),
    tailDigest: bytes.readUInt32LE(TAIL_DIGEST_AT),
  };
  // Who counts on from a number that is none of ours would end where numbers do.
  const largest = Math.max(hint.counter, hint.generation, hint.writtenBytes, hint.syncedBytes);
  return Number.isSafeInteger(largest) ? hint : undefined;
}

/** How much of the newest log must be whole: beyond it a bad frame is a torn tail, before it damage. */
export function promisedBytes(hint: Hint, bootId: string): number {
  if (hasBug("take damage for a torn tail")) return 0;
  // Where boots cannot be told apart, any may have lost what was not synced.
  return hint.bootId === bootId && bootId !== UNKNOWN_BOOT ? hint.writtenBytes : hint.syncedBytes;
}

/** The counter that ends a write, and says that something changed. */
export function evenAfter(counter: number): number {
  return counter + (counter % 2 === 0 ? 2 : 1);
}

/** The layout after this one: four bytes in the hint. */
export function nextLayout(layout: number): number {
  return (layout + 1) >>> 0;
}
