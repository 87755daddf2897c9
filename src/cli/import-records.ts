import * as fs from "node:fs";
import { KvsError } from "../format/errors.ts";
import { decodeKey, keyBytes } from "../format/key.ts";
import type { Mutation } from "../format/record.ts";
import type { Awaitable, StoreClient } from "./client.ts";
import { USAGE } from "./exit-codes.ts";
import { Failure } from "./failures.ts";
import { parseImportLine } from "./import-line.ts";
import { readSome } from "./input.ts";
import { type JsonPiece, JsonSplitter } from "./json-splitter.ts";
import { systemFailure } from "./system-error.ts";

/** An open file, and what to call it in messages. */
export interface Source {
  readonly fd: number;
  readonly name: string;
}

const CHUNK_BYTES = 256 * 1024;
/** Half of the 50 ms after which a signal must have been noticed. */
const SLICE_MS = 25;
const PIECES_BETWEEN_CLOCK_READS = 64;

/** Carries out every line of a source, in order. A bad line stops it; those before it are kept. */
export async function importRecords(client: StoreClient, source: Source): Promise<void> {
  const splitter = new JsonSplitter();
  const breathe = breather();
  for await (const chunk of chunksOf(source)) {
    for (const piece of splitter.push(chunk)) {
      // Awaited only if need be: an await ends the tick, and a tick's writes reach the system together.
      const pending = importPiece(client, piece, source) ?? breathe();
      // oxlint-disable-next-line no-await-in-loop -- lines are carried out in their order
      if (pending !== undefined) await pending;
    }
    if (splitter.isOverlong()) throw badLine(source, splitter.line, "it is too long");
  }
  await importPiece(client, splitter.end(), source);
}

/** Carries out one piece; returns a promise only where the client did. */
function importPiece(client: StoreClient, piece: JsonPiece, source: Source): Promise<unknown> | undefined {
  const blameLine = (error: unknown): never => {
    if (error instanceof KvsError && BLAMES_THE_LINE.has(error.code))
      throw badLine(source, piece.line, error.message);
    throw error;
  };
  try {
    const mutation = parseImportLine(piece.bytes);
    const done = mutation === undefined ? undefined : apply(client, mutation);
    return done instanceof Promise ? done.catch(blameLine) : undefined;
  } catch (error) {
    return blameLine(error);
  }
}

const BLAMES_THE_LINE: ReadonlySet<string> = new Set([
  "UNDECODABLE_RECORD",
  "UNEXPECTED_COMMAND",
  "INVALID_ARGUMENT",
]);

function badLine(source: Source, line: number, reason: string): Failure {
  return new Failure(
    USAGE,
    `Cannot import line ${line} of ${source.name}, those before it are kept: ${reason}`,
  );
}

function apply(client: StoreClient, { kind, key, value, expiresAt }: Mutation): Awaitable<boolean> {
  const stored = decodeKey(key) ?? keyBytes(key);
  const ttlMs = expiresAt - Date.now();
  if (kind === "remove" || (expiresAt !== 0 && ttlMs <= 0)) return client.delete(stored);
  return client.set(stored, value, expiresAt === 0 ? {} : { ttlMs });
}

/** Reads plain files at once; what may keep us waiting is awaited, so that signals are noticed meanwhile. */
async function* chunksOf({ fd, name }: Source): AsyncGenerator<Uint8Array> {
  if (fs.fstatSync(fd).isFile()) {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let count = 1; (count = readSome(fd, buffer, 0, name)) > 0;) yield buffer.subarray(0, count);
    return;
  }
  try {
    yield* Bun.file(fd).stream();
  } catch (error) {
    throw systemFailure(`read ${name}`, error);
  }
}

/** A pause for the event loop, taken whenever a slice of time is used up. */
function breather(): () => Promise<void> | undefined {
  let pieces = 0;
  let until = performance.now() + SLICE_MS;
  return () => {
    pieces += 1;
    if (pieces % PIECES_BETWEEN_CLOCK_READS !== 0 || performance.now() < until) return undefined;
    until = performance.now() + SLICE_MS;
    return new Promise((resolve) => setImmediate(resolve));
  };
}
