import { STDOUT } from "./terminal.ts";
import { STDOUT_NAME, writeFully } from "./write-fully.ts";

const BUFFER_BYTES = 64 * 1024;

/** What is allocated first: most commands print no more, and a large buffer would have the heap looked at. */
const FIRST_BYTES = 4 * 1024;

/** Where data goes, byte for byte. */
export interface Sink {
  /** Writes bytes, or text as UTF-8. */
  write(data: Uint8Array | string): void;
}

/**
 * Standard output, unless it is given another file: data, byte for byte. Never
 * touches `process.stdout`, which costs 15 ms at start and makes pipes lossy at exit.
 */
export class Output implements Sink {
  readonly #fd: number;
  readonly #name: string;
  #buffer: Buffer | undefined;
  #length = 0;

  constructor(fd: number = STDOUT, name: string = STDOUT_NAME) {
    this.#fd = fd;
    this.#name = name;
  }

  write(data: Uint8Array | string): void {
    if (typeof data === "string") this.#writeText(data);
    else this.#writeBytes(data);
  }

  /** A UTF-16 unit is at most three bytes of UTF-8. */
  #writeText(text: string): void {
    const bound = text.length * 3;
    if (bound > BUFFER_BYTES) {
      this.#writeBytes(Buffer.from(text));
      return;
    }
    const buffer = this.#reserve(bound);
    this.#length += buffer.utf8Write(text, this.#length);
  }

  #writeBytes(bytes: Uint8Array): void {
    if (bytes.length >= BUFFER_BYTES) {
      this.flush();
      writeFully(this.#fd, bytes, this.#name);
      return;
    }
    const buffer = this.#reserve(bytes.length);
    buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The buffer, with room for so many bytes more. */
  #reserve(bytes: number): Buffer {
    if (this.#length + bytes > BUFFER_BYTES) this.flush();
    const needed = this.#length + bytes;
    const buffer = this.#buffer;
    if (buffer !== undefined && needed <= buffer.length) return buffer;
    const grown = Buffer.allocUnsafe(needed <= FIRST_BYTES ? FIRST_BYTES : BUFFER_BYTES);
    buffer?.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    return grown;
  }

  /** Hands over everything written so far. Throws `BrokenPipe`, or `IO` for any other failure. */
  flush(): void {
    if (this.#buffer === undefined || this.#length === 0) return;
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    writeFully(this.#fd, bytes, this.#name);
  }
}
