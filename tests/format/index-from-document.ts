/**
 * The index of a sealed log as `docs/format.md` describes it, written down a
 * second time: nothing here comes from the code under test.
 */

const PAGE = 4096;
const A_PAGE = 511;
const BLOCKS_A_PAGE = 63;

export interface DocumentedEntry {
  readonly key: Uint8Array;
  readonly position: number;
  readonly length: number;
}

export interface DocumentedIndex {
  readonly storeId: string;
  readonly logId: string;
  /** The fields of the header from offset 24 on, but for the last three. */
  readonly numbers: readonly number[];
  readonly bitsPerKey: number;
  /** In the order of their keys. */
  readonly entries: readonly DocumentedEntry[];
}

/** CRC-32, bit by bit. */
export function slowCrc(bytes: Uint8Array, start: number): number {
  let register = ~start;
  for (const byte of bytes) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit += 1) register = (register >>> 1) ^ (register & 1 ? 0xedb88320 : 0);
  }
  return ~register >>> 0;
}

export function slowHash(key: Uint8Array, storeId: string): number {
  return slowHashFrom(key, slowCrc(Buffer.from(storeId, "hex"), 0x811c9dc5));
}

export function slowHashFrom(key: Uint8Array, seed: number): number {
  let hash = BigInt(seed);
  for (const byte of key) hash = ((hash ^ BigInt(byte)) * 0x01000193n) % 2n ** 32n;
  return slowFinish(Number(hash));
}

export function slowFinish(hash: number): number {
  let mixed = BigInt(hash);
  mixed = ((mixed ^ (mixed >> 16n)) * 0x85ebca6bn) % 2n ** 32n;
  mixed = ((mixed ^ (mixed >> 13n)) * 0xc2b2ae35n) % 2n ** 32n;
  return Number(mixed ^ (mixed >> 16n));
}

/** floor(hash × count / 2^32). */
function slowPlace(hash: number, count: number): number {
  return Number((BigInt(hash) * BigInt(count)) / 2n ** 32n);
}

/** The bytes of the whole file. */
export function documentedIndex(index: DocumentedIndex): Buffer {
  const { storeId, logId, entries, bitsPerKey } = index;
  const hashes = entries.map(({ key }) => slowHash(key, storeId));
  const blocks = Math.ceil((entries.length * bitsPerKey) / 512);
  const homes = Math.ceil(entries.length * 1.43);
  const table = hashTable(entries, hashes, homes);
  const pages = [
    headerPage(logId, [...index.numbers, blocks, homes, table.length]),
    ...pagesOf(bloomFilter(hashes, blocks), BLOCKS_A_PAGE),
    ...pagesOf(table, A_PAGE),
    ...pagesOf(
      entries.map((entry, number) => entryBytes(entry, hashes[number] ?? 0)),
      A_PAGE,
    ),
  ];
  const seed = slowCrc(Buffer.from(logId, "hex"), 1);
  pages.forEach((page, number) => {
    const start = BigInt(seed) ^ ((BigInt(number) * 0x9e3779b1n) % 2n ** 32n);
    page.writeUInt32LE(slowCrc(page.subarray(0, PAGE - 4), Number(start)), PAGE - 4);
  });
  return Buffer.concat(pages);
}

function headerPage(logId: string, numbers: readonly number[]): Buffer {
  const page = Buffer.alloc(PAGE);
  Buffer.of(0x89, 0x4b, 0x56, 0x49, 0x0d, 0x0a, 0x1a, 0x0a).copy(page);
  page.writeUInt32LE(1, 8);
  Buffer.from(logId, "hex").copy(page, 16);
  numbers.forEach((number, at) => page.writeBigUInt64LE(BigInt(number), 24 + at * 8));
  return page;
}

function bloomFilter(hashes: readonly number[], blocks: number): Buffer[] {
  const filter = Array.from({ length: blocks }, () => Buffer.alloc(64));
  if (blocks === 0) return [];
  for (const hash of hashes) {
    const block = filter[slowPlace(slowFinish((hash ^ 0x5bd1e995) >>> 0), blocks)];
    const step = (hash >>> 9) | 1;
    for (let probe = 0; probe < 6; probe += 1) {
      const bit = (hash + probe * step) % 512;
      block?.writeUInt8((block[bit >> 3] ?? 0) | (1 << (bit & 7)), bit >> 3);
    }
  }
  return filter;
}

/** The slots: an entry stands at its home, or in the first free slot behind it. */
function hashTable(entries: readonly DocumentedEntry[], hashes: readonly number[], homes: number): Buffer[] {
  const homeOf = (number: number): number => slowPlace(hashes[number] ?? 0, homes);
  const slots: (Buffer | undefined)[] = Array.from({ length: homes });
  const numbers = [...entries.keys()].toSorted((a, b) => homeOf(a) - homeOf(b) || a - b);
  for (const number of numbers) {
    const [entry, hash = 0] = [entries[number], hashes[number]];
    let slot = homeOf(number);
    while (slots[slot] !== undefined) slot += 1;
    if (entry !== undefined) slots[slot] = entryBytes(entry, hash);
  }
  return Array.from(slots, (slot) => slot ?? Buffer.alloc(8));
}

function entryBytes({ position, length }: DocumentedEntry, hash: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUIntLE(position, 0, 5);
  bytes.writeUInt8(slowFinish(hash) & 0xff, 5);
  bytes.writeUInt16LE(Math.min(length, 0xffff), 6);
  return bytes;
}

function pagesOf(items: readonly Buffer[], aPage: number): Buffer[] {
  const pages: Buffer[] = [];
  for (let at = 0; at < items.length; at += aPage) {
    pages.push(Buffer.concat([...items.slice(at, at + aPage), Buffer.alloc(PAGE)]).subarray(0, PAGE));
  }
  return pages;
}
