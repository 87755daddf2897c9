import { damaged } from "../format/archive.ts";

const SLICE_MS = 5;

/** Pieces of bytes, of any size. */
export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Takes bytes from a source as they are needed; one that ends too early is a damaged backup. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  #sliceEnd = 0;
  #rest: Buffer = Buffer.alloc(0);
  #isAtEnd = false;

  /** Waiting for the source ends when `signal` is aborted. */
  constructor(source: ByteSource, signal: AbortSignal | undefined) {
    this.#pieces =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#signal = signal;
  }

  /** Exactly so many bytes: few, since they are kept in memory. */
  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.pieces(length)) parts.push(Buffer.from(part));
    return Buffer.concat(parts);
  }

  /** So many bytes, as they come; each piece is good until the next one. */
  async *pieces(length: number): AsyncGenerator<Buffer, undefined> {
    for (let left = length; left > 0;) {
      // oxlint-disable-next-line no-await-in-loop -- bytes come one after the other
      if (this.#rest.length === 0 && !(await this.#readOn())) throw damaged("it breaks off");
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** Whatever is left, to the source's end. */
  async *remaining(): AsyncGenerator<Buffer, undefined> {
    do {
      yield this.#rest;
      this.#rest = Buffer.alloc(0);
      // oxlint-disable-next-line no-await-in-loop -- bytes come one after the other
    } while (await this.#readOn());
  }

  /** Lets go of the source. */
  close(): void {
    if (this.#isAtEnd) return;
    this.#isAtEnd = true;
    // A source that is being waited for is let go of when it answers.
    void Promise.resolve(this.#pieces.return?.()).catch(() => undefined);
  }

  async #readOn(): Promise<boolean> {
    await this.#breathe();
    const next = await this.#next();
    if (next.done === true) {
      this.#isAtEnd = true;
      return false;
    }
    const { buffer, byteOffset, length } = next.value;
    this.#rest = Buffer.from(buffer, byteOffset, length);
    return true;
  }

  /** A source that always has bytes at hand would let nobody else have a turn. */
  async #breathe(): Promise<void> {
    if (performance.now() < this.#sliceEnd) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#sliceEnd = performance.now() + SLICE_MS;
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    const signal = this.#signal;
    signal?.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const giveUp = (): void => reject(signal?.reason as Error);
      signal?.addEventListener("abort", giveUp, { once: true });
      void Promise.resolve(this.#pieces.next())
        .then(resolve, reject)
        .finally(() => signal?.removeEventListener("abort", giveUp));
    });
  }
}
