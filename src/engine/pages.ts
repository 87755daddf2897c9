import type { ReadableFile } from "../disk/disk.ts";
import { KvsError } from "../format/errors.ts";
import { isSoundPage, PAGE_BYTES } from "../format/index-file.ts";

/** Pages kept in memory where a file is not mapped. Of the bloom filter 16 MiB, enough for 13 million keys, ... */
const FILTER_PAGES = 4096;

/** ... and 1 MiB of the others, few of which are asked for twice. */
const OTHER_PAGES = 256;

/** An index, or a page of it, cannot be used: it has to be made anew from its log. */
export class UnusableIndex extends Error {
  override readonly name: string = "UnusableIndex";
}

/** The pages of an index file, verified when they are first touched. */
export interface Pages {
  /** The words of the page that was sought last: page-wise, or those of the whole file. */
  readonly words: Int32Array;
  /** Where in `words` that page starts. */
  readonly start: number;
  /** Where the bloom filter ends, which every lookup asks: pages before this one. */
  filterEnd: number;
  /** Makes a page the current one; throws `UnusableIndex` if it is damaged. */
  seek(page: number): void;
  /** The current page's bytes, not to be kept. */
  bytes(): Buffer;
  release(): void;
}

/** Maps the file if `map` is set and the system can, else reads it page by page. */
export function openPages(file: ReadableFile, seed: number, { map }: { readonly map: boolean }): Pages {
  const mapped = map ? file.map() : undefined;
  if (mapped === undefined) return new ReadPages(file, seed);
  return new MappedPages(mapped.bytes, seed, () => mapped.release());
}

class MappedPages implements Pages {
  readonly words: Int32Array;
  start = 0;
  filterEnd = 0;
  readonly #unmap: () => void;
  readonly #bytes: Buffer;
  readonly #seed: number;
  #verified: Uint8Array;

  constructor(bytes: Buffer, seed: number, unmap: () => void) {
    this.#bytes = bytes;
    this.#seed = seed;
    this.#unmap = unmap;
    const pages = Math.floor(bytes.length / PAGE_BYTES);
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, (pages * PAGE_BYTES) / 4);
    this.#verified = new Uint8Array(pages);
  }

  seek(page: number): void {
    this.start = page * (PAGE_BYTES / 4);
    if (this.#verified[page] !== 1) this.#verify(page);
  }

  bytes(): Buffer {
    return this.#bytes.subarray(this.start * 4, this.start * 4 + PAGE_BYTES);
  }

  release(): void {
    // No page is a good one from now on: without its memory all of them would read as empty.
    this.#verified = new Uint8Array();
    this.#unmap();
  }

  #verify(page: number): void {
    if (page >= this.#verified.length || !isSoundPage(this.#bytes, page * PAGE_BYTES, page, this.#seed)) {
      throw new UnusableIndex(`page ${page} fails its checksum`);
    }
    this.#verified[page] = 1;
  }
}

interface Page {
  readonly bytes: Buffer;
  readonly words: Int32Array;
}

class ReadPages implements Pages {
  words: Int32Array = new Int32Array();
  readonly start = 0;
  filterEnd = 0;
  /** Undefined once it was released: its descriptor may be that of another file by then. */
  #file: ReadableFile | undefined;
  readonly #seed: number;
  readonly #filter = new Map<number, Page>();
  readonly #others = new Map<number, Page>();
  #bytes: Buffer | undefined;

  constructor(file: ReadableFile, seed: number) {
    this.#file = file;
    this.#seed = seed;
  }

  seek(page: number): void {
    const { bytes, words } = this.#cacheFor(page).get(page) ?? this.#read(page);
    this.#bytes = bytes;
    this.words = words;
  }

  bytes(): Buffer {
    if (this.#bytes === undefined) throw new Error("A page is sought before it is used");
    return this.#bytes;
  }

  release(): void {
    this.#filter.clear();
    this.#others.clear();
    this.#file = undefined;
  }

  #cacheFor(page: number): Map<number, Page> {
    return page < this.filterEnd ? this.#filter : this.#others;
  }

  #read(page: number): Page {
    if (this.#file === undefined) throw new UnusableIndex("it was closed");
    // Memory of its own, which starts at an even address, as words must.
    const bytes = Buffer.allocUnsafeSlow(PAGE_BYTES);
    if (readPage(this.#file, page, bytes) < PAGE_BYTES || !isSoundPage(bytes, 0, page, this.#seed)) {
      throw new UnusableIndex(`page ${page} fails its checksum`);
    }
    const found = { bytes, words: new Int32Array(bytes.buffer) };
    const cache = this.#cacheFor(page);
    if (cache.size === (cache === this.#filter ? FILTER_PAGES : OTHER_PAGES)) cache.clear();
    cache.set(page, found);
    return found;
  }
}

/** What the disk does not give back is as bad as what fails its checksum. */
function readPage(file: ReadableFile, page: number, target: Buffer): number {
  try {
    return file.readInto(target, page * PAGE_BYTES);
  } catch (error) {
    throw error instanceof KvsError ? new UnusableIndex(error.message) : error;
  }
}
