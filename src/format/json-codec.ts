import type { ByteWriter } from "./bytes.ts";
import type { LogCodec } from "./codec.ts";
import { KvsError } from "./errors.ts";
import { FORMAT_VERSION, isInterval, type LogHeader, type ParsedHeader } from "./header.ts";
import { type JsonCommand, formatCommand, parseCommand } from "./json-command.ts";
import { compareKeys, decodeUtf8, type EncodedKey } from "./key.ts";
import { MAX_FRAME_BYTES, MAX_INPUTS } from "./limits.ts";
import type { FrameRecord, Mutation, ParsedFrame, StoredRecord } from "./record.ts";

/*
 * One command a line. The first line is the log's header: the removal of the
 * empty key, which is nothing to a reader that knows no headers, with a field
 * "kvs". An empty line seals the log. There are no checksums.
 */
const NEWLINE = 0x0a;
const FIRST_GUESS_BYTES = 4096;

/** Longer than a header with as many inputs as there may be. */
const MAX_HEADER_BYTES: number = 32 * MAX_INPUTS;

/** What the seal adds to a JSON log. */
export const JSON_SEAL = "\n";

/** The codec of every JSON log. */
export const jsonCodec: LogCodec = {
  format: "json",
  hasChecksums: false,
  endsInSeal: true,
  frameHeaderBytes: 0,
  encodeFrame,
  encodeOne: (out, position, mutation) => {
    encodeFrame(out, position, [mutation]);
    return 0;
  },
  encodeSeal: (out) => out.append(Buffer.from(JSON_SEAL)),
  parseFrame,
  scanFrame: scannerBy(parseFrame),
  glance: (bytes, start, end) => verifiedCommand(bytes, start, end).mutation,
  decodeRecord,
  endOfRecord: (bytes, start) => {
    const end = bytes.indexOf(NEWLINE, start);
    return end < 0 ? undefined : end + 1;
  },
  keyOf: (bytes, start, end) => verifiedCommand(bytes, start, end).mutation.key,
  hasKey: (bytes, start, end, key) => verifiedCommand(bytes, start, end).mutation.key === key,
};

/** Scans frames for what they are parsed to. */
export function scannerBy(parse: LogCodec["parseFrame"]): LogCodec["scanFrame"] {
  return (bytes, offset, position, sink) => {
    const frame = parse(bytes, offset, position);
    if (frame.status !== "records") return frame;
    for (const record of frame.records) sink.record(record.position, record.length, record.checksum);
    return frame;
  };
}

/** Renders a header as the first line of a JSON log. */
export function encodeJsonHeader(header: LogHeader): Buffer {
  const { storeId, logId, first, last, inputs } = header;
  const kvs = { version: FORMAT_VERSION, store: storeId, log: logId, first, last, inputs };
  return Buffer.from(`${JSON.stringify({ Remove: { key: "", kvs } })}\n`);
}

/** Parses the first line of a JSON log. */
export function parseJsonHeader(bytes: Buffer): ParsedHeader {
  const end = bytes.indexOf(NEWLINE);
  if (end < 0) {
    return bytes.length >= MAX_HEADER_BYTES
      ? { status: "damaged", reason: "its first line does not end" }
      : { status: "incomplete", needed: Math.max(bytes.length * 2, FIRST_GUESS_BYTES) };
  }
  const fields = headerFields(bytes.utf8Slice(0, end));
  if (fields === undefined) return { status: "damaged", reason: "its first line is no header" };
  const { version, store, log, first, last, inputs } = fields;
  if (version !== FORMAT_VERSION) {
    return typeof version === "number"
      ? { status: "version", version }
      : { status: "damaged", reason: "its header names no version" };
  }
  if (!isId(store, 32) || !isId(log, 16) || typeof first !== "number" || typeof last !== "number") {
    return { status: "damaged", reason: "its header is incomplete" };
  }
  if (!isInterval(first, last) || !Array.isArray(inputs) || !inputs.every((input) => isId(input, 16))) {
    return { status: "damaged", reason: "its header contradicts itself" };
  }
  return { status: "header", length: end + 1, header: { storeId: store, logId: log, first, last, inputs } };
}

function headerFields(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed = JSON.parse(line) as { Remove?: { kvs?: Record<string, unknown> } } | null;
    const fields = parsed?.Remove?.kvs;
    return typeof fields === "object" && fields !== null ? fields : undefined;
  } catch {
    return undefined;
  }
}

function isId(value: unknown, digits: number): value is string {
  return typeof value === "string" && value.length === digits && /^[0-9a-f]+$/.test(value);
}

function encodeFrame(out: ByteWriter, position: number, mutations: readonly Mutation[]): FrameRecord[] {
  const start = out.length;
  const last = mutations.length - 1;
  return mutations.map((mutation, index) => {
    const at = out.length;
    out.append(Buffer.from(`${formatCommand(mutation, { more: index < last })}\n`));
    if (out.length - start > MAX_FRAME_BYTES) {
      throw new KvsError(
        "INVALID_ARGUMENT",
        `Cannot write command: it is over ${MAX_FRAME_BYTES} bytes as JSON`,
      );
    }
    return recordAt(mutation, position + at - start, out.length - at);
  });
}

function parseFrame(bytes: Buffer, offset: number, position: number): ParsedFrame {
  const records: FrameRecord[] = [];
  let at = offset;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, at);
    if (end < 0) return incompleteFrame(bytes.length - offset);
    if (end === at) {
      return records.length === 0
        ? { status: "seal", length: JSON_SEAL.length, summary: undefined }
        : { status: "damaged", reason: "a batch breaks off" };
    }
    const command = parseCommandBytes(bytes.subarray(at, end));
    if (command instanceof KvsError) return { status: "damaged", reason: "a line is not a command" };
    records.push(recordAt(command.mutation, position + at - offset, end + 1 - at));
    at = end + 1;
    if (!command.more) return { status: "records", length: at - offset, records };
  }
}

/** What is to be said of a frame of which so many bytes are there, and its end is not among them. */
export function incompleteFrame(available: number): ParsedFrame {
  if (available >= MAX_FRAME_BYTES) return { status: "damaged", reason: "a line does not end" };
  return { status: "incomplete", needed: Math.max(available * 2, FIRST_GUESS_BYTES) };
}

function decodeRecord(
  bytes: Buffer,
  position: number,
  start = 0,
  end: number = bytes.length,
): StoredRecord | undefined {
  return bytes[end - 1] === NEWLINE ? decodeCommand(bytes, position, start, end) : undefined;
}

/** The record that a command is; undefined for what is none. White space around it is no part of it. */
export function decodeCommand(
  bytes: Buffer,
  position: number,
  start: number,
  end: number,
): StoredRecord | undefined {
  const command = parseCommandBytes(bytes.subarray(start, end));
  return command instanceof KvsError ? undefined : new JsonRecord(command.mutation, position, end - start);
}

/** A decoded command. */
class JsonRecord implements StoredRecord {
  readonly position: number;
  readonly length: number;
  readonly #mutation: Mutation;

  constructor(mutation: Mutation, position: number, length: number) {
    this.#mutation = mutation;
    this.position = position;
    this.length = length;
  }

  get kind(): "put" | "remove" {
    return this.#mutation.kind;
  }

  get key(): EncodedKey {
    return this.#mutation.key;
  }

  get value(): Buffer {
    return Buffer.from(this.#mutation.value as Uint8Array);
  }

  get encoding(): "utf8" | "bytes" {
    return typeof this.#mutation.value === "string" ? "utf8" : "bytes";
  }

  get expiresAt(): number {
    return this.#mutation.expiresAt;
  }

  hasKey(key: EncodedKey): boolean {
    return this.#mutation.key === key;
  }

  compareKey(other: StoredRecord): number {
    return compareKeys(this.key, other.key);
  }

  text(): string | undefined {
    const { value } = this.#mutation;
    return typeof value === "string" ? value : decodeUtf8(value);
  }
}

function verifiedCommand(bytes: Buffer, start: number, end: number): JsonCommand {
  const command = parseCommandBytes(bytes.subarray(start, end));
  if (command instanceof KvsError) throw command;
  return command;
}

function recordAt(mutation: Mutation, position: number, length: number): FrameRecord {
  const { key, kind, expiresAt } = mutation;
  return { key, position, length, kind, expiresAt, checksum: 0 };
}

/** The command that these bytes are, or why they are none. */
export function parseCommandBytes(bytes: Buffer): JsonCommand | KvsError {
  const text = decodeUtf8(bytes);
  if (text === undefined) return new KvsError("UNDECODABLE_RECORD", "Cannot decode command: it is not UTF-8");
  try {
    return parseCommand(text);
  } catch (error) {
    if (error instanceof KvsError) return error;
    throw error;
  }
}
