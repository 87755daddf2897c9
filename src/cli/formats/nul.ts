import { KvsError } from "../../format/errors.ts";
import { encodeKey, type EncodedKey, keyBytes } from "../../format/key.ts";
import type { Mutation } from "../../format/record.ts";
import { NO } from "../exit-codes.ts";
import { Failure } from "../failures.ts";
import type { RecordDecoder, TransferFormat } from "./format.ts";
import { type Frame, Lines } from "./lines.ts";
import { Splitter } from "./splitter.ts";
import { textIfUtf8, valueBytes } from "./values.ts";

const NUL = 0;
const END: Buffer = Buffer.of(NUL);
const PLAIN_FRAME: Frame = { beforeKey: Buffer.alloc(0), beforeValue: END, afterValue: END };

/** Key, NUL, value, NUL, as `list -0` prints: nothing is escaped. */
export const nul: TransferFormat = {
  encoder: (out) => {
    const lines = new Lines(out);
    return {
      write: (record) => {
        if (!lines.appendPlain(record, PLAIN_FRAME)) appendOther(lines, record);
        lines.endLine();
      },
      end: () => lines.handOn(),
    };
  },
  decoder: () => new NulDecoder(),
};

function appendOther(lines: Lines, { key, value }: Mutation): void {
  const parts = [keyBytes(key), valueBytes(value)];
  if (parts.some((part) => part.includes(NUL))) {
    throw new Failure(NO, "Cannot export a record that holds a NUL byte: use --as jsonl");
  }
  for (const part of parts) {
    lines.append(part);
    lines.append(END);
  }
}

class NulDecoder implements RecordDecoder {
  readonly #parts = new Splitter(NUL);
  #record = 1;
  #key: EncodedKey | undefined;

  get place(): string {
    return `record ${this.#record}`;
  }

  *push(chunk: Uint8Array): Generator<Mutation> {
    for (const part of this.#parts.push(chunk)) {
      if (this.#key === undefined) {
        this.#key = encodeKey(part);
        continue;
      }
      yield { kind: "put", key: this.#key, value: textIfUtf8(part), expiresAt: 0 };
      this.#key = undefined;
      this.#record += 1;
    }
  }

  *end(): Generator<Mutation> {
    const isUnfinished = this.#parts.end() !== undefined || this.#key !== undefined;
    if (isUnfinished) throw new KvsError("UNDECODABLE_RECORD", "it ends without a NUL byte behind its value");
    yield* [];
  }
}
