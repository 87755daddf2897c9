import type { ReadingDisk, ReadableFile } from "../disk/disk.ts";
import { KvsError } from "../format/errors.ts";
import { hasSameContent } from "./content-stamp.ts";
import {
  blockMayHold,
  BLOCK_WORDS,
  blockOf,
  BLOCKS_A_PAGE,
  ENTRIES_A_PAGE,
  ENTRY_WORDS,
  type IndexHeader,
  type IndexLayout,
  type IndexSummary,
  lengthOf,
  PAGE_BYTES,
  pageSeedOf,
  parseIndexHeader,
  positionOf,
  tagOf,
  UNKNOWN_LENGTH,
} from "../format/index-file.ts";
import { placeOf } from "../format/hash.ts";
import type { Log } from "./log.ts";
import { type KeyOrder, type LogIndex, type Neighbours, type Places } from "./log-index.ts";
import { openPages, type Pages, UnusableIndex } from "./pages.ts";

/** The index of a sealed log, read from its file. Every method throws `UnusableIndex` on a damaged page. */
export class IndexReader implements LogIndex, KeyOrder {
  readonly summary: IndexSummary;
  readonly #file: ReadableFile;
  readonly #pages: Pages;
  readonly #layout: IndexLayout;

  /** Reads the index in `file`; undefined, and the file closed, if it cannot be read or is not that of this log as it is now. */
  static open(file: ReadableFile, log: Log, options: { readonly map: boolean }): IndexReader | undefined {
    const pages = unlessUnusable(() => openPages(file, pageSeedOf(log.header.logId), options));
    const header = pages === undefined ? undefined : unlessUnusable(() => headerFor(log, file, pages));
    if (pages !== undefined && header !== undefined)
      return new IndexReader(file, pages, header.summary, header.layout);
    pages?.release();
    file.close();
    return undefined;
  }

  private constructor(file: ReadableFile, pages: Pages, summary: IndexSummary, layout: IndexLayout) {
    this.#file = file;
    this.#pages = pages;
    this.summary = summary;
    this.#layout = layout;
    pages.filterEnd = layout.slotPage;
  }

  get entries(): number {
    return this.summary.entries;
  }

  get length(): number {
    return this.summary.entries;
  }

  probe(hash: number, after: number): number {
    const { homes, slots, slotPage } = this.#layout;
    if (after < 0 && !this.#mayHold(hash)) return -1;
    const tag = tagOf(hash) << 8;
    for (let slot = after < 0 ? placeOf(hash, homes) : after + 1; slot < slots; slot += 1) {
      const page = Math.floor(slot / ENTRIES_A_PAGE);
      this.#pages.seek(slotPage + page);
      const { words } = this.#pages;
      const at = this.#pages.start + (slot - page * ENTRIES_A_PAGE) * ENTRY_WORDS;
      const high = words[at + 1] ?? 0;
      if ((high & 0xff00) === tag && high >>> 16 !== 0) return slot;
      // No record is empty: a length of 0 is a slot that was never taken.
      if (high >>> 16 === 0) return -1;
    }
    return -1;
  }

  positionOf(slot: number): number {
    return this.#positionAt(this.#layout.slotPage, slot);
  }

  lengthOf(slot: number): number {
    return this.#lengthAt(this.#layout.slotPage, slot);
  }

  locate({ first, count, step }: Neighbours, { positions, lengths }: Places): void {
    positions.length = 0;
    lengths.length = 0;
    for (let place = first, left = count; left > 0;) {
      let at = this.#seekEntry(this.#layout.entryPage, place);
      const { words } = this.#pages;
      // So many are on this page.
      const inPage = place % ENTRIES_A_PAGE;
      const here = Math.min(left, step > 0 ? ENTRIES_A_PAGE - inPage : inPage + 1);
      for (let index = 0; index < here; index += 1, at += step * ENTRY_WORDS) {
        const high = words[at + 1] ?? 0;
        const length = lengthOf(high);
        positions.push(positionOf(words[at] ?? 0, high));
        lengths.push(length === UNKNOWN_LENGTH ? 0 : length);
      }
      left -= here;
      place += step * here;
    }
  }

  close(): void {
    this.#pages.release();
    this.#file.close();
  }

  closeInBackground(): void {
    this.#pages.release();
    this.#file.closeInBackground();
  }

  /** Reads every page; throws `UnusableIndex` at the first damaged one. */
  verify(): void {
    for (let page = 0; page < this.#layout.pages; page += 1) this.#pages.seek(page);
  }

  #mayHold(hash: number): boolean {
    const { bloomBlocks, bloomPage } = this.#layout;
    if (bloomBlocks === 0) return true;
    const block = blockOf(hash, bloomBlocks);
    const page = Math.floor(block / BLOCKS_A_PAGE);
    this.#pages.seek(bloomPage + page);
    return blockMayHold(
      this.#pages.words,
      this.#pages.start + (block - page * BLOCKS_A_PAGE) * BLOCK_WORDS,
      hash,
    );
  }

  #positionAt(firstPage: number, place: number): number {
    const at = this.#seekEntry(firstPage, place);
    const { words } = this.#pages;
    return positionOf(words[at] ?? 0, words[at + 1] ?? 0);
  }

  #lengthAt(firstPage: number, place: number): number {
    const at = this.#seekEntry(firstPage, place);
    const length = lengthOf(this.#pages.words[at + 1] ?? 0);
    return length === UNKNOWN_LENGTH ? 0 : length;
  }

  /** Where in the words an entry stands. */
  #seekEntry(firstPage: number, place: number): number {
    const page = Math.floor(place / ENTRIES_A_PAGE);
    this.#pages.seek(firstPage + page);
    return this.#pages.start + (place - page * ENTRIES_A_PAGE) * ENTRY_WORDS;
  }
}

/** The file of an index; undefined if there is none, or none that can be opened. */
export function openIndexFile(disk: ReadingDisk, path: string): ReadableFile | undefined {
  return unlessUnusable(() => disk.openToRead(path));
}

/** Undefined where the index, or its file, cannot be used: the log has everything that it says. */
function unlessUnusable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnusableIndex || error instanceof KvsError) return undefined;
    throw error;
  }
}

/** What the first page says, if it belongs to the log. */
function headerFor(log: Log, file: ReadableFile, pages: Pages): IndexHeader | undefined {
  pages.seek(0);
  const header = parseIndexHeader(pages.bytes(), log.header.logId);
  const isFitting =
    header !== undefined &&
    header.summary.logBytes === log.size() &&
    file.size() === header.layout.pages * PAGE_BYTES &&
    (log.codec.hasChecksums || hasSameContent(log, header.summary.content));
  return isFitting ? header : undefined;
}
