import type { ReadableFile } from "../disk/disk.ts";
import { placeOf } from "../format/hash.ts";
import {
  blockMayHold,
  blockOf,
  BLOCK_WORDS,
  BLOCKS_A_PAGE,
  ENTRIES_A_PAGE,
  ENTRY_WORDS,
  type IndexLayout,
  isSoundPage,
  lengthOf,
  PAGE_BYTES,
  pageSeedOf,
  parseIndexHeader,
  positionOf,
  tagOf,
  UNKNOWN_LENGTH,
} from "../format/index-file.ts";

/** Where a record is, and how long; 0 where the index does not know. */
export interface Place {
  readonly position: number;
  readonly length: number;
}

/** A log as far as its index has to fit it. */
export interface IndexedLog {
  readonly logId: string;
  /** Its size. */
  readonly bytes: number;
}

/**
 * Where an index file says that records may be whose key has this hash, for a process
 * that asks it once: three pages are read, and no more kept than what they say.
 * Undefined if it cannot be used, or is not that of this log as it is now.
 */
export function placesOf(file: ReadableFile, log: IndexedLog, hash: number): Place[] | undefined {
  const seed = pageSeedOf(log.logId);
  const first = readPage(file, 0, seed);
  const header = first === undefined ? undefined : parseIndexHeader(first, log.logId);
  if (header === undefined || header.summary.logBytes !== log.bytes) return undefined;
  const { layout } = header;
  if (file.size() !== layout.pages * PAGE_BYTES) return undefined;
  if (layout.bloomBlocks === 0) return placesInTable(file, layout, seed, hash);
  const block = blockOf(hash, layout.bloomBlocks);
  const page = Math.floor(block / BLOCKS_A_PAGE);
  const words = wordsOf(readPage(file, layout.bloomPage + page, seed));
  if (words === undefined) return undefined;
  if (!blockMayHold(words, (block - page * BLOCKS_A_PAGE) * BLOCK_WORDS, hash)) return [];
  return placesInTable(file, layout, seed, hash);
}

/** What follows the hash's home in the table, up to the first free slot. */
function placesInTable(
  file: ReadableFile,
  { homes, slots, slotPage }: IndexLayout,
  seed: number,
  hash: number,
): Place[] | undefined {
  const places: Place[] = [];
  const tag = tagOf(hash);
  let words: Int32Array | undefined;
  let page = -1;
  for (let slot = placeOf(hash, homes); slot < slots; slot += 1) {
    if (Math.floor(slot / ENTRIES_A_PAGE) !== page) {
      page = Math.floor(slot / ENTRIES_A_PAGE);
      words = wordsOf(readPage(file, slotPage + page, seed));
      if (words === undefined) return undefined;
    }
    const at = (slot - page * ENTRIES_A_PAGE) * ENTRY_WORDS;
    const low = words?.[at] ?? 0;
    const high = words?.[at + 1] ?? 0;
    const length = lengthOf(high);
    // No record is empty: a length of 0 is a slot that was never taken.
    if (length === 0) break;
    if (((high >>> 8) & 0xff) !== tag) continue;
    places.push({ position: positionOf(low, high), length: length === UNKNOWN_LENGTH ? 0 : length });
  }
  return places;
}

/** Reads a page into memory of its own; undefined where it fails its checksum. */
function readPage(file: ReadableFile, page: number, seed: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafeSlow(PAGE_BYTES);
  const isWhole = file.readInto(bytes, page * PAGE_BYTES) === PAGE_BYTES;
  return isWhole && isSoundPage(bytes, 0, page, seed) ? bytes : undefined;
}

function wordsOf(page: Buffer | undefined): Int32Array | undefined {
  return page === undefined ? undefined : new Int32Array(page.buffer);
}
