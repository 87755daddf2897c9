import { latin1Of } from "../../format/bytes.ts";
import { KvsError } from "../../format/errors.ts";
import { encodeKey, type EncodedKey, keyBytes } from "../../format/key.ts";
import type { Mutation } from "../../format/record.ts";
import type { RecordDecoder, TransferFormat } from "./format.ts";
import { Lines } from "./lines.ts";
import { Splitter } from "./splitter.ts";
import { textIfUtf8, valueBytes } from "./values.ts";

/*
 * What LMDB's mdb_dump writes and mdb_load reads: header lines up to
 * HEADER=END, then a key and a value a line in turn, each after a space, in hex
 * (format=bytevalue) or as text with \xx for bytes that are not printable
 * (format=print), then DATA=END.
 */
const NEWLINE = 0x0a;
const NEWLINE_BYTES: Buffer = Buffer.of(NEWLINE);
const SPACE = 0x20;
const BACKSLASH = 0x5c;

/** The most that mdb_load may need; the file only takes what is stored. */
const MAP_BYTES: number = 64 * 2 ** 30;

const HEADER = `VERSION=3\nformat=bytevalue\ntype=btree\nmapsize=${MAP_BYTES}\nmaxreaders=126\ndb_pagesize=4096\nHEADER=END\n`;

/** LMDB's text dump. */
export const mdb: TransferFormat = {
  encoder: (out) => {
    const lines = new Lines(out);
    lines.append(HEADER);
    return {
      write: ({ key, value }) => {
        lines.appendLatin1(` ${keyBytes(key).toHex()}\n `);
        lines.appendLatin1(valueBytes(value).toHex());
        lines.append(NEWLINE_BYTES);
        lines.endLine();
      },
      end: () => {
        lines.append("DATA=END\n");
        lines.handOn();
      },
    };
  },
  decoder: () => new MdbDecoder(),
};

type State = "header" | "data" | "end";

class MdbDecoder implements RecordDecoder {
  readonly #lines = new Splitter(NEWLINE);
  #line = 0;
  #state: State = "header";
  #decode: ((line: Uint8Array) => Uint8Array) | undefined;
  #key: EncodedKey | undefined;

  /** Where nothing was read at all, it is the first line that is missing. */
  get place(): string {
    return `line ${Math.max(1, this.#line)}`;
  }

  *push(chunk: Uint8Array): Generator<Mutation> {
    for (const line of this.#lines.push(chunk)) yield* this.#take(line);
  }

  *end(): Generator<Mutation> {
    const line = this.#lines.end();
    if (line !== undefined) yield* this.#take(line);
    if (this.#state !== "end") throw undecodable("it ends before DATA=END");
  }

  *#take(line: Uint8Array): Generator<Mutation> {
    this.#line += 1;
    if (this.#state === "end") throw undecodable("there is more behind DATA=END: only one database is read");
    if (this.#state === "header") return this.#takeHeader(textOf(line));
    if (line[0] !== SPACE) return this.#takeEnd(textOf(line));
    const bytes = this.#decode?.(line.subarray(1)) ?? line;
    if (this.#key === undefined) {
      this.#key = encodeKey(bytes);
      return undefined;
    }
    yield { kind: "put", key: this.#key, value: textIfUtf8(bytes), expiresAt: 0 };
    this.#key = undefined;
    return undefined;
  }

  #takeHeader(line: string): void {
    if (line === "HEADER=END") {
      this.#decode ??= fromHex;
      this.#state = "data";
    } else if (line === "format=print") this.#decode = fromPrint;
    else if (line === "format=bytevalue") this.#decode = fromHex;
    else if (line === "duplicates=1" || line === "dupsort=1")
      throw undecodable("it has several values a key");
    else if (!line.includes("=")) throw undecodable("it is no header line of a dump");
  }

  #takeEnd(line: string): void {
    if (line !== "DATA=END") throw undecodable("it starts neither with a space nor is it DATA=END");
    if (this.#key !== undefined) throw undecodable("the last key has no value");
    this.#state = "end";
  }
}

function fromHex(digits: Uint8Array): Uint8Array {
  const bytes = Buffer.from(textOf(digits), "hex");
  if (bytes.length * 2 !== digits.length) throw undecodable("it is not hex");
  return bytes;
}

function fromPrint(text: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at] ?? 0;
    if (byte !== BACKSLASH) bytes[length++] = byte;
    else if (text[at + 1] === BACKSLASH) {
      bytes[length++] = BACKSLASH;
      at += 1;
    } else {
      bytes[length++] = escapedByte(text, at);
      at += 2;
    }
  }
  return bytes.subarray(0, length);
}

function escapedByte(text: Uint8Array, at: number): number {
  const digits = textOf(text.subarray(at + 1, at + 3));
  if (/^[0-9a-f]{2}$/i.test(digits)) return Number.parseInt(digits, 16);
  throw undecodable(
    "a backslash stands before neither a backslash nor two hex digits, as some mdb_dump -p write it: leave -p out",
  );
}

function textOf(bytes: Uint8Array): string {
  return latin1Of(bytes);
}

function undecodable(reason: string): KvsError {
  return new KvsError("UNDECODABLE_RECORD", reason);
}
