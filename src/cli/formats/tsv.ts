import { KvsError } from "../../format/errors.ts";
import { encodeKey, keyBytes } from "../../format/key.ts";
import type { Mutation } from "../../format/record.ts";
import { escapeLine, escapeLineForTerminal, unescapeLine } from "../escapes.ts";
import type { RecordDecoder, TransferFormat } from "./format.ts";
import { type Frame, Lines } from "./lines.ts";
import { Splitter } from "./splitter.ts";
import { textIfUtf8, valueBytes } from "./values.ts";

const NEWLINE = 0x0a;
const TAB = 0x09;

const PLAIN_FRAME: Frame = {
  beforeKey: Buffer.alloc(0),
  beforeValue: Buffer.of(TAB),
  afterValue: Buffer.of(NEWLINE),
};

/** Key, tab, value on a line, escaped as `list` does. */
export const tsv: TransferFormat = {
  encoder: (out, { isTerminal }) => {
    const escape = isTerminal ? escapeLineForTerminal : escapeLine;
    const lines = new Lines(out);
    const { beforeValue, afterValue } = PLAIN_FRAME;
    return {
      write: (record) => {
        if (!lines.appendPlain(record, PLAIN_FRAME)) {
          lines.append(escape(keyBytes(record.key)));
          lines.append(beforeValue);
          lines.append(escape(valueBytes(record.value)));
          lines.append(afterValue);
        }
        lines.endLine();
      },
      end: () => lines.handOn(),
    };
  },
  decoder: () => new TsvDecoder(),
};

class TsvDecoder implements RecordDecoder {
  readonly #lines = new Splitter(NEWLINE);
  #line = 0;

  get place(): string {
    return `line ${this.#line}`;
  }

  *push(chunk: Uint8Array): Generator<Mutation> {
    for (const line of this.#lines.push(chunk)) yield this.#decode(line);
  }

  *end(): Generator<Mutation> {
    const line = this.#lines.end();
    if (line !== undefined) yield this.#decode(line);
  }

  #decode(line: Uint8Array): Mutation {
    this.#line += 1;
    const tab = line.indexOf(TAB);
    if (tab < 0) throw new KvsError("UNDECODABLE_RECORD", "it has no tab between key and value");
    if (line.includes(TAB, tab + 1)) throw new KvsError("UNDECODABLE_RECORD", "it has more than one tab");
    const key = encodeKey(unescapeLine(line.subarray(0, tab)));
    return { kind: "put", key, value: textIfUtf8(unescapeLine(line.subarray(tab + 1))), expiresAt: 0 };
  }
}
