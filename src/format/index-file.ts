import { crc32, writeUint64 } from "./bytes.ts";
import { mix, placeOf } from "./hash.ts";
import { hasBug } from "./seeded-bugs.ts";

/*
 * The index of a sealed log, N.idx, in pages of 4 KiB: one with the header, then
 * the bloom filter, the hash table and the entries in the order of their keys.
 * docs/format.md describes each byte; the offsets here are counted in pages and
 * in words of 32 bits, least significant byte first.
 */
export const PAGE_BYTES = 4096;
const PAGE_WORDS: number = PAGE_BYTES / 4;

/** The last word of a page is its checksum; the one before it is not used. */
const CHECKSUM_WORD: number = PAGE_WORDS - 1;
const CHECKSUM_AT: number = CHECKSUM_WORD * 4;

/** An entry, and a slot of the hash table, is two words: position and length of a record, and a tag. */
export const ENTRY_WORDS = 2;
export const ENTRIES_A_PAGE = 511;

/** A key sets all its bits in one block of 64 bytes: a lookup looks at one cache line. */
export const BLOCK_WORDS = 16;
const BLOCK_BITS = 512;
export const BLOCKS_A_PAGE = 63;

/** Longest log an index can point into (1 TiB). */
export const MAX_INDEXED_BYTES: number = 2 ** 40;

/** Lengths from here on are not in the index; the record itself tells. */
export const UNKNOWN_LENGTH = 0xffff;

const SLOTS_AN_ENTRY = 1.43;
const TWO_TO_32 = 2 ** 32;

const MAGIC = "\x89KVI\r\n\x1a\n";
const INDEX_VERSION = 1;

/** What an index says of its log. Sizes are in bytes. */
export interface IndexSummary {
  readonly logId: string;
  /** Size of the whole log, its seal included. */
  readonly logBytes: number;
  /** For a log without checksums: the CRC-32 of its bytes, and the file that had them when the index was made. */
  readonly content: ContentStamp;
  /** Records of the log, and keys among them. */
  readonly records: number;
  readonly entries: number;
  /** All records; of each key's newest in this log, those that hold a value; of those, the ones that expire. */
  readonly recordBytes: number;
  readonly liveBytes: number;
  readonly expiringBytes: number;
  /** Records of older logs that this log's made stale, when the index was made. */
  readonly shadowedBytes: number;
  /** First and last expiry in absolute milliseconds; 0 if nothing expires. */
  readonly firstExpiry: number;
  readonly lastExpiry: number;
}

/** Tells whether a file may have changed since its bytes were summed up. */
export interface ContentStamp {
  readonly digest: number;
  readonly inode: number;
  /** Modification time, in whole milliseconds since 1970. */
  readonly modified: number;
}

/** Where the parts of an index file are. */
export interface IndexLayout {
  readonly bloomBlocks: number;
  /** Places that hashes map to, and slots: those of the last places run over the end. */
  readonly homes: number;
  readonly slots: number;
  readonly bloomPage: number;
  readonly slotPage: number;
  readonly entryPage: number;
  readonly pages: number;
}

/** What the first page says. */
export interface IndexHeader {
  readonly summary: IndexSummary;
  readonly layout: IndexLayout;
}

/** The parts of an index, for a number of entries. */
export function layOut(
  entries: number,
  { bloomBlocks, homes, slots }: Pick<IndexLayout, "bloomBlocks" | "homes" | "slots">,
): IndexLayout {
  const bloomPage = 1;
  const slotPage = bloomPage + Math.ceil(bloomBlocks / BLOCKS_A_PAGE);
  const entryPage = slotPage + Math.ceil(slots / ENTRIES_A_PAGE);
  const pages = entryPage + Math.ceil(entries / ENTRIES_A_PAGE);
  return { bloomBlocks, homes, slots, bloomPage, slotPage, entryPage, pages };
}

/** How many places the hash table of so many entries has: seven of ten are taken. */
export function homesFor(entries: number): number {
  return Math.ceil(entries * SLOTS_AN_ENTRY);
}

/** How many blocks a bloom filter of so many entries has; 0 turns it off. */
export function bloomBlocksFor(entries: number, bitsPerKey: number): number {
  return Math.ceil((entries * bitsPerKey) / BLOCK_BITS);
}

/** The two words of an entry. The tag, eight bits of the hash, spares most comparisons with other keys. */
export function highWordOf(position: number, length: number, hash: number): number {
  const high = Math.floor(position / TWO_TO_32);
  return (high | (tagOf(hash) << 8) | (Math.min(length, UNKNOWN_LENGTH) << 16)) >>> 0;
}

export function tagOf(hash: number): number {
  return mix(hash) & 0xff;
}

/** No sum where none is needed: what comes of one is a double to the compiler, and slow as the index of a byte. */
export function positionOf(low: number, high: number): number {
  const unsigned = low >>> 0;
  return (high & 0xff) === 0 ? unsigned : (high & 0xff) * TWO_TO_32 + unsigned;
}

/** The record's length, or `UNKNOWN_LENGTH`. */
export function lengthOf(high: number): number {
  return high >>> 16;
}

/** The block of the bloom filter that a key's bits are in. */
export function blockOf(hash: number, blocks: number): number {
  return placeOf(mix(hash ^ 0x5bd1e995), blocks);
}

/** Bits a key sets; best for about ten bits a key. */
const BLOOM_PROBES = 6;

/** The words are signed: setting bits of unsigned ones takes three times as long. */
export function addToBlock(words: Int32Array, blockAt: number, hash: number): void {
  const step = (hash >>> 9) | 1;
  const probes = hasBug("forget a bit of the bloom filter") ? BLOOM_PROBES - 1 : BLOOM_PROBES;
  for (let probe = 0, bit = hash | 0; probe < probes; probe += 1, bit = (bit + step) | 0) {
    const at = blockAt + ((bit >>> 5) & (BLOCK_WORDS - 1));
    words[at] = (words[at] ?? 0) | (1 << (bit & 31));
  }
}

/** False when no key with this hash was added to the block. */
export function blockMayHold(words: Int32Array, blockAt: number, hash: number): boolean {
  const step = (hash >>> 9) | 1;
  let bits = 1;
  for (let probe = 0, bit = hash | 0; probe < BLOOM_PROBES; probe += 1, bit = (bit + step) | 0) {
    bits &= (words[blockAt + ((bit >>> 5) & (BLOCK_WORDS - 1))] ?? 0) >>> (bit & 31);
  }
  return bits !== 0;
}

/** What the checksums of an index start from: bytes of another index, or another page, fail them. */
export function pageSeedOf(logId: string): number {
  if (hasBug("trust the index of another log")) return 0;
  const bytes = Buffer.allocUnsafe(logId.length / 2);
  bytes.write(logId, "hex");
  return crc32(bytes, 0, bytes.length, INDEX_VERSION);
}

function checksumOf(page: Buffer, start: number, number: number, seed: number): number {
  return crc32(page, start, start + CHECKSUM_AT, (seed ^ Math.imul(number, 0x9e3779b1)) >>> 0);
}

/** Writes a page's checksum; `start` is the page's offset in the buffer. */
export function sealPage(buffer: Buffer, start: number, number: number, seed: number): void {
  buffer.writeUInt32LE(checksumOf(buffer, start, number, seed), start + CHECKSUM_AT);
}

export function isSoundPage(buffer: Buffer, start: number, number: number, seed: number): boolean {
  const isSound = checksumOf(buffer, start, number, seed) === buffer.readUInt32LE(start + CHECKSUM_AT);
  return isSound || hasBug("trust a page that fails its checksum");
}

// The header's fields, one behind the other.
const VERSION_AT: number = MAGIC.length;
const LOG_ID_AT: number = VERSION_AT + 8;
const NUMBERS_AT: number = LOG_ID_AT + 8;

/** Numbers of eight bytes. */
const NUMBERS = [
  "logBytes",
  "records",
  "entries",
  "recordBytes",
  "liveBytes",
  "expiringBytes",
  "shadowedBytes",
  "firstExpiry",
  "lastExpiry",
  "digest",
  "inode",
  "modified",
  "bloomBlocks",
  "homes",
  "slots",
] as const;

type Numbers = Readonly<Record<(typeof NUMBERS)[number], number>>;

/** Encodes the first page, its checksum excepted. */
export function encodeIndexHeader(summary: IndexSummary, layout: IndexLayout): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  page.latin1Write(MAGIC, 0);
  page.writeUInt32LE(INDEX_VERSION, VERSION_AT);
  page.write(summary.logId, LOG_ID_AT, "hex");
  const numbers: Numbers = { ...summary, ...summary.content, ...layout };
  for (const [index, name] of NUMBERS.entries()) writeUint64(page, numbers[name], NUMBERS_AT + index * 8);
  return page;
}

/** Parses the first page, whose checksum was verified; undefined for another version or what contradicts itself. */
export function parseIndexHeader(page: Buffer, logId: string): IndexHeader | undefined {
  if (page.latin1Slice(0, MAGIC.length) !== MAGIC || page.readUInt32LE(VERSION_AT) !== INDEX_VERSION)
    return undefined;
  const isOurs = page.toString("hex", LOG_ID_AT, NUMBERS_AT) === logId;
  if (!isOurs && !hasBug("trust the index of another log")) return undefined;
  const { digest, inode, modified, bloomBlocks, homes, slots, ...sums } = numbersIn(page);
  const summary = { logId, ...sums, content: { digest, inode, modified } };
  return { summary, layout: layOut(sums.entries, { bloomBlocks, homes, slots }) };
}

/**
 * Reads them in a loop of its own: what a process calls some thirty times is
 * compiled, which takes a command longer than to look its key up.
 */
function numbersIn(page: Buffer): Numbers {
  const numbers: { -readonly [Name in keyof Numbers]?: number } = {};
  let at = NUMBERS_AT;
  for (const name of NUMBERS) {
    numbers[name] = page.readUInt32LE(at) + page.readUInt32LE(at + 4) * TWO_TO_32;
    at += 8;
  }
  return numbers as Numbers;
}
