import { ByteWriter } from "../../format/bytes.ts";

const NEWLINE = 0x0a;
const KEPT_BYTES = 64 * 1024;

/** Cuts bytes that come in chunks into lines. Holds one chunk, and one unfinished line of at most `longest` bytes. */
export class LineSplitter {
  readonly #longest: number;
  readonly #unfinished = new ByteWriter(KEPT_BYTES);
  #overlong = false;
  #chunk: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(longest: number) {
    this.#longest = longest;
  }

  /** Takes in the next chunk; every line of the one before was taken. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#start = 0;
  }

  /**
   * The next line that has ended, without its newline, valid until the next call;
   * null in place of one that is too long; undefined when there is none yet.
   */
  next(): Buffer | null | undefined {
    const end = this.#chunk.indexOf(NEWLINE, this.#start);
    const tail = this.#chunk.subarray(this.#start, end < 0 ? undefined : end);
    this.#start = end < 0 ? this.#chunk.length : end + 1;
    if (end >= 0 && !this.isUnfinished && tail.length <= this.#longest) return tail;
    this.#keep(tail);
    return end < 0 ? undefined : this.#finish();
  }

  /** Whether a line has begun that no newline has ended. */
  get isUnfinished(): boolean {
    return this.#overlong || this.#unfinished.length > 0;
  }

  #keep(bytes: Buffer): void {
    if (this.#unfinished.length + bytes.length > this.#longest) {
      this.#overlong = true;
      this.#unfinished.clear();
    }
    if (!this.#overlong) this.#unfinished.append(bytes);
  }

  #finish(): Buffer | null {
    const line = this.#overlong ? null : Buffer.from(this.#unfinished.view());
    this.#unfinished.clear();
    this.#overlong = false;
    return line;
  }
}
