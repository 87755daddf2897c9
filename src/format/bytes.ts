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

/** Writes a non-negative safe integer as eight bytes, least significant first. */
export function writeUint64(buffer: Buffer, value: number, offset: number): void {
  buffer.writeUInt32LE(value % TWO_TO_32, offset);
  buffer.writeUInt32LE(Math.floor(value / TWO_TO_32), offset + 4);
}

/** Reads what `writeUint64` wrote; a number past 2^53 loses its low bits and is for the caller to refuse. */
export function readUint64(buffer: Buffer, offset: number): number {
  return buffer.readUInt32LE(offset) + buffer.readUInt32LE(offset + 4) * TWO_TO_32;
}

/** CRC-32 (IEEE 802.3, as in zlib) of a part of a buffer, starting from `seed`. */
export function crc32(buffer: Buffer, start: number, end: number, seed: number): number {
  return Bun.hash.crc32(buffer.subarray(start, end), seed);
}

/** A buffer that grows by doubling; `length` bytes of it are in use. */
export class ByteWriter {
  readonly #initialBytes: number;
  /** Allocated by the first write: many handles only read. */
  #buffer: Buffer = Buffer.alloc(0);
  length = 0;

  constructor(initialBytes: number) {
    this.#initialBytes = initialBytes;
  }

  /** Makes room for `bytes` more and returns the whole buffer, valid until the next call. */
  reserve(bytes: number): Buffer {
    const needed = this.length + bytes;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2, this.#initialBytes));
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

  /** Forgets the content; gives memory back when one large write had grown the buffer. */
  clear(): void {
    this.length = 0;
    if (this.#buffer.length > this.#initialBytes) this.#buffer = Buffer.alloc(0);
  }
}
