import { isUtf8 } from "node:buffer";
import { ByteWriter } from "../../format/bytes.ts";
import type { Mutation } from "../../format/record.ts";
import type { Sink } from "../output.ts";
import { MOST_BYTES_OF_ONE, writeEscaped } from "./json-escapes.ts";
import { arePlain } from "./plain-bytes.ts";

/** So many bytes are handed on at once: what a sink takes without copying it. */
const HANDED_BYTES: number = 64 * 1024;

/** Of more than that it takes too much room until it is known how long it becomes. */
const MOST_ESCAPED_BYTES: number = 64 * 1024;

/** What stands around a record's key and value. */
export interface Frame {
  readonly beforeKey: Buffer;
  readonly beforeValue: Buffer;
  readonly afterValue: Buffer;
}

/** Lines put together where they are, which spares a text for each. */
export class Lines {
  readonly #out: Sink;
  readonly #bytes = new ByteWriter(2 * HANDED_BYTES);

  constructor(out: Sink) {
    this.#out = out;
  }

  /** Adds bytes, or text as UTF-8. */
  append(data: string | Uint8Array): void {
    const bytes = this.#bytes;
    if (typeof data !== "string") bytes.append(data);
    // A UTF-16 unit is at most three bytes of UTF-8.
    else bytes.length += bytes.reserve(data.length * 3).utf8Write(data, bytes.length);
  }

  /** Adds characters that are a byte each. */
  appendLatin1(text: string): void {
    const bytes = this.#bytes;
    bytes.length += bytes.reserve(text.length).latin1Write(text, bytes.length);
  }

  /**
   * Adds key and value in their frame; false, and nothing added, if not all of their
   * bytes are plain. A value that is not may be added by `appendOther`, if that can.
   */
  appendPlain(
    { key, value }: Mutation,
    { beforeKey, beforeValue, afterValue }: Frame,
    appendOther: (value: string | Uint8Array) => boolean = () => false,
  ): boolean {
    const bytes = this.#bytes;
    const start = bytes.length;
    bytes.append(beforeKey);
    this.appendLatin1(key);
    let isAdded = arePlain(bytes.whole(), start + beforeKey.length, bytes.length);
    bytes.append(beforeValue);
    isAdded &&= this.#appendPlainValue(value) || appendOther(value);
    bytes.append(afterValue);
    if (!isAdded) bytes.length = start;
    return isAdded;
  }

  #appendPlainValue(value: string | Uint8Array): boolean {
    const bytes = this.#bytes;
    const start = bytes.length;
    this.append(value);
    const isPlain = arePlain(bytes.whole(), start, bytes.length);
    if (!isPlain) bytes.length = start;
    return isPlain;
  }

  /** Adds text as it stands in a JSON string; false for bytes that are none, or are many. */
  readonly appendEscaped = (value: string | Uint8Array): boolean => {
    if (typeof value === "string" || value.length > MOST_ESCAPED_BYTES || !isUtf8(value)) return false;
    const bytes = this.#bytes;
    const buffer = bytes.reserve(value.length * MOST_BYTES_OF_ONE);
    bytes.length = writeEscaped(value, buffer, bytes.length);
    return true;
  };

  /** Called after each line: hands on what has gathered. */
  endLine(): void {
    if (this.#bytes.length >= HANDED_BYTES) this.handOn();
  }

  /** Hands on everything. */
  handOn(): void {
    if (this.#bytes.length > 0) this.#out.write(this.#bytes.view());
    this.#bytes.clear();
  }
}
