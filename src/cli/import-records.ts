import { KvsError } from "../format/errors.ts";
import { decodeKey, keyBytes } from "../format/key.ts";
import type { Mutation } from "../format/record.ts";
import { breather } from "./breather.ts";
import type { Awaitable, StoreClient } from "./client.ts";
import { USAGE } from "./exit-codes.ts";
import { Failure } from "./failures.ts";
import type { RecordDecoder, TransferFormat } from "./formats/format.ts";
import { chunksOf, type Source } from "./source.ts";

/** Carries out every record of a source, in order. A bad one stops it; those before it are kept. */
export async function importRecords(
  client: StoreClient,
  source: Source,
  format: TransferFormat,
): Promise<void> {
  const decoder = format.decoder();
  const breathe = breather();
  const applyAll = async (mutations: Iterable<Mutation>): Promise<void> => {
    for (const mutation of mutations) {
      // Awaited only if need be: an await ends the tick, and a tick's writes reach the system together.
      const pending = apply(client, mutation);
      // oxlint-disable-next-line no-await-in-loop -- records are carried out in their order
      if (pending instanceof Promise) await pending;
      const pause = breathe();
      // oxlint-disable-next-line no-await-in-loop -- others take their turn here
      if (pause !== undefined) await pause;
    }
  };
  try {
    for await (const chunk of chunksOf(source)) await applyAll(decoder.push(chunk));
    await applyAll(decoder.end());
  } catch (error) {
    throw blameRecord(error, source, decoder);
  }
}

const BLAMES_THE_RECORD: ReadonlySet<string> = new Set([
  "UNDECODABLE_RECORD",
  "UNEXPECTED_COMMAND",
  "INVALID_ARGUMENT",
]);

function blameRecord(error: unknown, { name }: Source, { place }: RecordDecoder): unknown {
  if (!(error instanceof KvsError) || !BLAMES_THE_RECORD.has(error.code)) return error;
  return new Failure(USAGE, `Cannot import ${place} of ${name}, those before it are kept: ${error.message}`);
}

function apply(client: StoreClient, { kind, key, value, expiresAt }: Mutation): Awaitable<boolean> {
  const stored = decodeKey(key) ?? keyBytes(key);
  const ttlMs = expiresAt - Date.now();
  if (kind === "remove" || (expiresAt !== 0 && ttlMs <= 0)) return client.delete(stored);
  return client.set(stored, value, expiresAt === 0 ? {} : { ttlMs });
}
