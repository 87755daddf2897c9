import { ByteWriter } from "../../format/bytes.ts";
import { KvsError } from "../../format/errors.ts";
import { MAX_FRAME_BYTES } from "../../format/limits.ts";

const KEPT_BYTES = 64 * 1024;

/** Cuts bytes that come in chunks where a certain byte stands, holding one unfinished piece at a time. */
export class Splitter {
  readonly #end: number;
  readonly #unfinished = new ByteWriter(KEPT_BYTES);

  constructor(end: number) {
    this.#end = end;
  }

  /** The pieces that end in this chunk, without what ends them; valid until the next is asked for. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let at = chunk.indexOf(this.#end); at >= 0; at = chunk.indexOf(this.#end, start)) {
      yield this.#complete(chunk.subarray(start, at));
      start = at + 1;
    }
    this.#unfinished.append(chunk.subarray(start));
    if (this.#unfinished.length > MAX_FRAME_BYTES) throw new KvsError("UNDECODABLE_RECORD", "it is too long");
  }

  /** What nothing ends; undefined if there is nothing. */
  end(): Uint8Array | undefined {
    return this.#unfinished.length === 0 ? undefined : this.#complete(new Uint8Array());
  }

  #complete(rest: Uint8Array): Uint8Array {
    if (this.#unfinished.length === 0) return rest;
    this.#unfinished.append(rest);
    const piece = Buffer.from(this.#unfinished.view());
    this.#unfinished.clear();
    return piece;
  }
}
