import { encodeKey } from "../../format/key.ts";
import { formatCommand } from "../../format/json-command.ts";
import { KvsError } from "../../format/errors.ts";
import type { Mutation } from "../../format/record.ts";
import { parseImportLine } from "../import-line.ts";
import { type JsonPiece, JsonSplitter } from "../json-splitter.ts";
import type { RecordDecoder, TransferFormat } from "./format.ts";

/** Commands, one a line: the only format that keeps everything, an expiry too. */
export const jsonl: TransferFormat = {
  encoder: (out) => ({
    write: ({ key, value, expiresAt }) => {
      const mutation = { kind: "put", key: encodeKey(key), value, expiresAt: expiresAt ?? 0 } as const;
      out.write(`${formatCommand(mutation)}\n`);
    },
    end: () => undefined,
  }),
  decoder: () => new JsonDecoder(),
};

/** Reads commands and the lines of `list --json`, with or without anything between them. */
class JsonDecoder implements RecordDecoder {
  readonly #splitter = new JsonSplitter();
  #line = 1;

  get place(): string {
    return `line ${this.#line}`;
  }

  *push(chunk: Uint8Array): Generator<Mutation> {
    for (const piece of this.#splitter.push(chunk)) yield* this.#decode(piece);
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
