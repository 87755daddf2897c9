import { ByteWriter } from "../format/bytes.ts";
import { MAX_FRAME_BYTES } from "../format/limits.ts";

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const KEPT_BYTES = 64 * 1024;

/** A piece of the input, and the number of the line it stands in, from 1. */
export interface JsonPiece {
  readonly bytes: Uint8Array;
  readonly line: number;
}

/**
 * Cuts bytes that come in chunks into JSON objects: where a line ends, and where
 * an object closes, because logs may hold commands with nothing between them. No
 * object spans lines. Holds one unfinished object at a time.
 */
export class JsonSplitter {
  readonly #unfinished = new ByteWriter(KEPT_BYTES);
  #line = 1;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** Whether nothing is unfinished: what comes next is a piece of its own. */
  get isIdle(): boolean {
    return this.#unfinished.length === 0;
  }

  /** Counts a line that somebody else has read. */
  skipLine(): void {
    this.#startLine();
  }

  /** The pieces that end in this chunk, valid until the next call. */
  *push(chunk: Uint8Array): Generator<JsonPiece> {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte !== NEWLINE && !this.#closesObject(byte)) continue;
      yield this.#cut(chunk.subarray(start, at + 1));
      start = at + 1;
      if (byte === NEWLINE) this.#startLine();
    }
    this.#unfinished.append(chunk.subarray(start));
  }

  /** The last piece, which nothing ends. */
  end(): JsonPiece {
    return this.#cut(new Uint8Array(0));
  }

  /** Whether the unfinished object is longer than any command can be. */
  isOverlong(): boolean {
    return this.#unfinished.length > MAX_FRAME_BYTES;
  }

  get line(): number {
    return this.#line;
  }

  #closesObject(byte: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (byte === OPEN) this.#depth += 1;
    else if (byte === CLOSE) return --this.#depth === 0;
    return false;
  }

  #cut(tail: Uint8Array): JsonPiece {
    if (this.#unfinished.length === 0) return { bytes: tail, line: this.#line };
    this.#unfinished.append(tail);
    const bytes = Buffer.from(this.#unfinished.view());
    this.#unfinished.clear();
    return { bytes, line: this.#line };
  }

  #startLine(): void {
    this.#line += 1;
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
  }
}
