import type { Mutation } from "../../format/record.ts";
import type { Sink } from "../output.ts";

/** A way to write many records to a file, and to read them back. */
export interface TransferFormat {
  /** Starts writing; at a terminal no control character is written that a format can write otherwise. */
  encoder(out: Sink, options: { readonly isTerminal: boolean }): RecordEncoder;
  /** Starts reading. */
  decoder(): RecordDecoder;
}

export interface RecordEncoder {
  /** Throws a `Failure` for a record that the format cannot hold. */
  write(record: Mutation): void;
  /** Writes what belongs behind the last record. */
  end(): void;
}

/** Takes a file apart that comes in chunks. Throws a `KvsError` for what it cannot read. */
export interface RecordDecoder {
  /** What the records that end in this chunk ask for, each good until the next is asked for. */
  push(chunk: Uint8Array): Iterable<Mutation>;
  /** The same of what nothing ends. */
  end(): Iterable<Mutation>;
  /** Where the decoder is, as `line 3`. */
  readonly place: string;
}
