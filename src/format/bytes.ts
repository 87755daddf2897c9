// The string methods of Node's Buffer that its type declarations leave out; here
// they are twice as fast as `write` and `toString`.
declare global {
  interface Buffer {
    latin1Slice(start?: number, end?: number): string;
    latin1Write(text: string, offset: number): number;
    utf8Slice(start?: number, end?: number): string;
    utf8Write(text: string, offset: number): number;
  }
}

const TWO_TO_32 = 2 ** 32;

/**
 * Bytes as text, a character each. Asking a small array for its `buffer` first
 * has one made for it, which takes longer than all the rest.
 */
export function latin1Of(bytes: Uint8Array): string {
  return (Buffer.prototype as Buffer).latin1Slice.call(bytes, 0, bytes.length);
}

/** Writes a non-negative safe integer as eight bytes, least significant first. */
export function writeUint64(buffer: Buffer, value: number, offset: number): void {
  buffer.writeUInt32LE(value % TWO_TO_32, offset);
  buffer.writeUInt32LE(Math.floor(value / TWO_TO_32), offset + 4);
}

/** Reads what `writeUint64` wrote; a number past 2^53 loses its low bits and is for the caller to refuse. */
export function readUint64(buffer: Buffer, offset: number): number {
  return buffer.readUInt32LE(offset) + buffer.readUInt32LE(offset + 4) * TWO_TO_32;
}

/**
 * CRC-32 (IEEE 802.3, as in zlib) of a part of a buffer, starting from `seed`. Few
 * bytes are summed up in a copy of which there is a view of every length: to make a
 * view takes longer than that, and each is one more thing for the garbage collector.
 */
export function crc32(buffer: Buffer, start: number, end: number, seed: number): number {
  if (end - start > COPIED_BYTES) return Bun.hash.crc32(buffer.subarray(start, end), seed);
  const length = buffer.copy(copied, 0, start, end);
  copies[length] ??= copied.subarray(0, length);
  return Bun.hash.crc32(copies[length], seed);
}

const COPIED_BYTES = 1024;
const copied: Buffer = Buffer.allocUnsafeSlow(COPIED_BYTES);
const copies: Buffer[] = [];

const CRC32_POLYNOMIAL = 0xedb88320;
const WORD_BITS = 32;

/** What four bits do to a checksum. A table for eight would take a short process longer to make than to do without. */
const CRC32_OF_BITS: Int32Array = Int32Array.of(
  0x0,
  0x1db71064,
  0x3b6e20c8,
  0x26d930ac,
  0x76dc4190,
  0x6b6b51f4,
  0x4db26158,
  0x5005713c,
  0xedb88320,
  0xf00f9344,
  0xd6d6a3e8,
  0xcb61b38c,
  0x9b64c2b0,
  0x86d3d2d4,
  0xa00ae278,
  0xbdbdf21c,
);

/** The CRC-32 of four bytes given as a number: quicker than to have the native one look at a buffer. */
export function crc32OfWord(word: number, seed: number): number {
  let crc = ~seed ^ word;
  for (let bit = 0; bit < WORD_BITS; bit += 4) crc = (crc >>> 4) ^ (CRC32_OF_BITS[crc & 15] ?? 0);
  return ~crc >>> 0;
}

/** The seed that `crc32OfWord` had when it made this checksum of this word. */
export function seedOfWord(word: number, checksum: number): number {
  let crc = ~checksum;
  for (let bit = 0; bit < WORD_BITS; bit += 1) {
    // The polynomial's highest bit shows whether it was mixed in.
    crc = crc < 0 ? ((crc ^ CRC32_POLYNOMIAL) << 1) | 1 : crc << 1;
  }
  return ~(crc ^ word) >>> 0;
}

/** From here on a buffer does not grow by doubling: memory that is not touched costs nothing. */
const LARGE_BYTES = 4 * 1024 * 1024;
const HUGE_BYTES = 84 * 1024 * 1024;

/** A buffer that grows; `length` bytes of it are in use. */
export class ByteWriter {
  readonly #initialBytes: number;
  /** Allocated by the first write: many handles only read. */
  #buffer: Buffer<ArrayBuffer> = Buffer.alloc(0);
  length = 0;

  constructor(initialBytes: number) {
    this.#initialBytes = initialBytes;
  }

  /** Makes room for `bytes` more and returns the whole buffer, valid until the next call. */
  reserve(bytes: number): Buffer {
    const needed = this.length + bytes;
    if (needed > this.#buffer.length) {
      // What it was is left to the garbage collector: what is being written may be a part of it.
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#nextSize()));
      this.#buffer.copy(grown, 0, 0, this.length);
      this.#buffer = grown;
    }
    return this.#buffer;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length).set(bytes, this.length);
    this.length += bytes.length;
  }

  /** The whole buffer, in use or not: `length` bytes of it are. Valid until the next write. */
  whole(): Buffer {
    return this.#buffer;
  }

  /** A view of the bytes in use, valid until the next write. */
  view(start = 0, end: number = this.length): Buffer {
    return this.#buffer.subarray(start, end);
  }

  /** Forgets the content. Memory that one large write had taken is given back at once, not when garbage is collected. */
  clear(): void {
    this.length = 0;
    if (this.#buffer.length <= this.#initialBytes) return;
    this.#buffer.buffer.transfer(0);
    this.#buffer = Buffer.alloc(0);
  }

  #nextSize(): number {
    const doubled = Math.max(this.#initialBytes, this.#buffer.length * 2);
    return doubled >= LARGE_BYTES && doubled < HUGE_BYTES ? HUGE_BYTES : doubled;
  }
}
