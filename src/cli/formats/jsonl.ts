import { encodeKey } from "../../format/key.ts";
import { formatCommand } from "../../format/json-command.ts";
import { KvsError } from "../../format/errors.ts";
import type { Mutation } from "../../format/record.ts";
import { withoutControls } from "../json-line.ts";
import { parseImportLine } from "../import-line.ts";
import { type JsonPiece, JsonSplitter } from "../json-splitter.ts";
import type { Sink } from "../output.ts";
import type { RecordDecoder, RecordEncoder, TransferFormat } from "./format.ts";
import { type Frame, Lines } from "./lines.ts";

/** Commands, one a line: the only format that keeps everything, an expiry too. */
export const jsonl: TransferFormat = {
  encoder: jsonEncoder,
  decoder: () => new JsonDecoder(),
};

const FRAME: Frame = {
  beforeKey: Buffer.from('{"Set":{"key":"'),
  beforeValue: Buffer.from('","value":"'),
  afterValue: Buffer.from('"}}\n'),
};

/** Writes most lines without making a text of them: their bytes are copied, and then looked at. */
function jsonEncoder(out: Sink): RecordEncoder {
  const lines = new Lines(out);
  return {
    write: (record) => {
      const isAdded = record.expiresAt === 0 && lines.appendPlain(record, FRAME, lines.appendEscaped);
      if (!isAdded) lines.append(`${withoutControls(formatCommand(record))}\n`);
      lines.endLine();
    },
    end: () => lines.handOn(),
  };
}

/** What a text holds that stands for itself in JSON: ASCII without quotes, backslashes and controls. */
const PLAIN = String.raw`([ !#-[\]-~]*)`;

/** Lines as most are, in the two ways to write them. */
const PLAIN_LINES: readonly RegExp[] = [
  new RegExp(String.raw`\{"Set":\{"key":"${PLAIN}","value":"${PLAIN}"\}\}\n`, "y"),
  new RegExp(String.raw`\{"key":"${PLAIN}","value":"${PLAIN}"\}\n`, "y"),
];

const NEWLINE = 0x0a;

/**
 * Reads commands and the lines of `list --json`, with or without anything between
 * them. Lines that hold nothing special are taken apart by an expression, in a
 * seventh of the time that parsing takes.
 */
class JsonDecoder implements RecordDecoder {
  readonly #splitter = new JsonSplitter();
  #line = 1;

  get place(): string {
    return `line ${this.#line}`;
  }

  *push(chunk: Uint8Array): Generator<Mutation> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const text = bytes.latin1Slice();
    for (let at = 0; at < bytes.length;) {
      const plain = this.#splitter.isIdle ? matchPlain(text, at) : undefined;
      if (plain !== undefined) {
        this.#splitter.skipLine();
        this.#line = this.#splitter.line - 1;
        at = plain.end;
        yield plain.mutation;
        continue;
      }
      const end = bytes.indexOf(NEWLINE, at) + 1 || bytes.length;
      for (const piece of this.#splitter.push(bytes.subarray(at, end))) yield* this.#decode(piece);
      at = end;
    }
    if (!this.#splitter.isOverlong()) return;
    this.#line = this.#splitter.line;
    throw new KvsError("UNDECODABLE_RECORD", "it is too long");
  }

  *end(): Generator<Mutation> {
    yield* this.#decode(this.#splitter.end());
  }

  *#decode({ bytes, line }: JsonPiece): Generator<Mutation> {
    this.#line = line;
    const mutation = parseImportLine(bytes);
    if (mutation !== undefined) yield mutation;
  }
}

/** The plain line that starts at a place, if there is one. */
function matchPlain(
  text: string,
  at: number,
): { readonly mutation: Mutation; readonly end: number } | undefined {
  for (const line of PLAIN_LINES) {
    line.lastIndex = at;
    const match = line.exec(text);
    if (match === null) continue;
    const [, key = "", value = ""] = match;
    return { mutation: { kind: "put", key: encodeKey(key), value, expiresAt: 0 }, end: line.lastIndex };
  }
  return undefined;
}
