import type { AppendableFile } from "../disk/disk.ts";
import {
  addToBlock,
  BLOCK_WORDS,
  blockOf,
  BLOCKS_A_PAGE,
  bloomBlocksFor,
  encodeIndexHeader,
  ENTRIES_A_PAGE,
  ENTRY_WORDS,
  highWordOf,
  homesFor,
  type IndexLayout,
  type IndexSummary,
  layOut,
  MAX_INDEXED_BYTES,
  PAGE_BYTES,
  pageSeedOf,
  sealPage,
} from "../format/index-file.ts";
import { BUCKET_HOMES, HomeSort } from "./home-sort.ts";
import { resized } from "./resized.ts";
import { SlotTable } from "./slot-table.ts";

const INITIAL_ENTRIES = 1024;
const PAGE_WORDS: number = PAGE_BYTES / 4;

/** Pages are written in chunks of this many. */
const CHUNK_PAGES = 64;

/** Takes a sealed log's entries in, in the order of their keys, and writes its index: 12 bytes of memory an entry. */
export class IndexBuilder {
  #hashes: Int32Array<ArrayBuffer>;
  #words: Int32Array<ArrayBuffer>;
  #count = 0;

  /** `expected` is how many entries there may be: room that stays empty takes no memory, but growing does. */
  constructor(expected: number = INITIAL_ENTRIES) {
    const entries = Math.max(expected, 1);
    this.#hashes = new Int32Array(entries);
    this.#words = new Int32Array(entries * ENTRY_WORDS);
  }

  get entries(): number {
    return this.#count;
  }

  /** Takes the next entry in: the position of its record, its length in bytes, the hash of its key. */
  add(position: number, length: number, hash: number): void {
    if (this.#count === this.#hashes.length) this.#grow();
    this.#hashes[this.#count] = hash;
    this.#words[this.#count * ENTRY_WORDS] = position % 2 ** 32;
    this.#words[this.#count * ENTRY_WORDS + 1] = highWordOf(position, length, hash);
    this.#count += 1;
  }

  /** Writes the file. Yields between pieces of work, for the caller to let others run or to stop. */
  *write(file: AppendableFile, summary: IndexSummary, bloomBitsPerKey: number): Generator<void> {
    if (summary.logBytes > MAX_INDEXED_BYTES) throw new Error("A log over 1 TiB has no index");
    const homes = homesFor(this.#count);
    const sort = new HomeSort(this.#hashes, this.#count, homes);
    const layout = layOut(this.#count, {
      bloomBlocks: bloomBlocksFor(this.#count, bloomBitsPerKey),
      homes,
      slots: sort.slots(),
    });
    yield;
    const pages = new PageWriter(file, summary.logId);
    pages.put(encodeIndexHeader(summary, layout));
    this.#writeBloom(pages, layout);
    yield;
    yield* this.#writeSlots(pages, sort, layout);
    this.#writeEntries(pages);
    pages.finish();
  }

  #grow(): void {
    this.#hashes = resized(this.#hashes, this.#hashes.length * 2);
    this.#words = resized(this.#words, this.#words.length * 2);
  }

  #writeBloom(pages: PageWriter, { bloomBlocks }: IndexLayout): void {
    if (bloomBlocks === 0) return;
    const words = new Int32Array(bloomBlocks * BLOCK_WORDS);
    for (let entry = 0; entry < this.#count; entry += 1) {
      const hash = this.#hashes[entry] ?? 0;
      addToBlock(words, blockOf(hash, bloomBlocks) * BLOCK_WORDS, hash);
    }
    pages.putWords(words, BLOCKS_A_PAGE * BLOCK_WORDS);
  }

  #writeEntries(pages: PageWriter): void {
    pages.putWords(this.#words.subarray(0, this.#count * ENTRY_WORDS), ENTRIES_A_PAGE * ENTRY_WORDS);
  }

  *#writeSlots(pages: PageWriter, sort: HomeSort, { slots }: IndexLayout): Generator<void> {
    const homeOf = (entry: number): number => sort.homeOf(entry);
    const table = new SlotTable(this.#words, homeOf, (page) => pages.putWords(page, page.length));
    for (let part = 0; part < sort.parts; part += 1) {
      const { from, entries, ends } = sort.buckets(part);
      yield;
      for (let bucket = 0; bucket < ends.length; bucket += 1) {
        const start = bucket === 0 ? 0 : ends[bucket - 1];
        table.put(entries.subarray(start, ends[bucket]), from + bucket * BUCKET_HOMES);
        yield;
      }
    }
    table.finish(slots);
  }
}

/** Numbers pages, seals them with their checksums and appends them in chunks. */
class PageWriter {
  readonly #file: AppendableFile;
  readonly #seed: number;
  readonly #chunk = Buffer.alloc(CHUNK_PAGES * PAGE_BYTES);
  readonly #chunkWords = new Int32Array(this.#chunk.buffer, this.#chunk.byteOffset, CHUNK_PAGES * PAGE_WORDS);
  #pages = 0;
  #written = 0;

  constructor(file: AppendableFile, logId: string) {
    this.#file = file;
    this.#seed = pageSeedOf(logId);
  }

  /** Puts one page. */
  put(bytes: Buffer): void {
    const words = new Int32Array(PAGE_WORDS);
    Buffer.from(words.buffer).set(bytes);
    this.putWords(words, words.length);
  }

  /** Puts words, so many to a page. */
  putWords(words: Int32Array, wordsAPage: number): void {
    for (let at = 0; at < words.length; at += wordsAPage) {
      const inChunk = this.#pages % CHUNK_PAGES;
      this.#chunkWords.set(words.subarray(at, at + wordsAPage), inChunk * PAGE_WORDS);
      sealPage(this.#chunk, inChunk * PAGE_BYTES, this.#pages, this.#seed);
      this.#pages += 1;
      if (inChunk === CHUNK_PAGES - 1) this.#flushChunk();
    }
  }

  finish(): void {
    this.#flush();
  }

  /** More follows: the system may begin to write what is there. */
  #flushChunk(): void {
    const start = this.#written;
    this.#flush();
    this.#file.beginWriteBack(start, this.#written - start);
  }

  #flush(): void {
    const bytes = this.#pages * PAGE_BYTES - this.#written;
    if (bytes === 0) return;
    this.#file.append(this.#chunk.subarray(0, bytes), this.#written);
    this.#written += bytes;
    this.#chunk.fill(0, 0, bytes);
  }
}
