import { KvsError } from "../format/errors.ts";
import { decodeKey, keyBytes } from "../format/key.ts";
import type { Mutation } from "../format/record.ts";
import type { Awaitable, StagedRecords, StoreClient } from "./client.ts";
import { USAGE } from "./exit-codes.ts";
import { Failure } from "./failures.ts";
import type { RecordDecoder, TransferFormat } from "./formats/format.ts";
import { pace } from "./pace.ts";
import type { Progress } from "./progress.ts";
import { onSignal } from "./signals.ts";
import { chunksOf, type Source } from "./source.ts";

/** What is imported, and who is shown how far that is. */
export interface Input {
  readonly source: Source;
  readonly format: TransferFormat;
  readonly progress: Progress;
}

/** Carries out every record of a source, in order. A bad one stops it; those before it are kept. */
export async function importRecords(client: StoreClient, { progress, ...input }: Input): Promise<void> {
  const release = onSignal(() => {
    progress.end();
    return client.close();
  });
  try {
    await readRecords(
      { progress, ...input },
      { take: (mutation) => apply(client, mutation), consequence: "those before it are kept" },
    );
    // Left to a process that follows, they would make the next command a slow one.
    await client.indexed();
  } finally {
    progress.end();
    release();
  }
}

/** Imports every record of a source, or none. */
export async function importAtOnce(client: StoreClient, { progress, ...input }: Input): Promise<void> {
  let staged: StagedRecords | undefined;
  const release = onSignal(async () => {
    progress.end();
    await staged?.discard();
    await client.close();
  });
  try {
    const records = await client.stage();
    staged = records;
    await readRecords(
      { progress, ...input },
      { take: (mutation) => records.add(mutation), consequence: "nothing was imported" },
    );
    await records.publish((done) => progress.update(done));
  } finally {
    progress.end();
    await staged?.discard();
    release();
  }
}

/** What becomes of the records, and of those before a bad one. */
interface Taker {
  readonly take: (mutation: Mutation) => Awaitable<unknown>;
  readonly consequence: string;
}

async function readRecords({ source, format, progress }: Input, { take, consequence }: Taker): Promise<void> {
  const decoder = format.decoder();
  const pauseAfter = pace();
  let bytes = 0;
  let records = 0;
  const takeAll = async (mutations: Iterable<Mutation>): Promise<void> => {
    for (const mutation of mutations) {
      records += 1;
      // Awaited only if need be: an await ends the tick, and a tick's writes reach the system together.
      const pending = take(mutation);
      // oxlint-disable-next-line no-await-in-loop -- records are carried out in their order
      if (pending instanceof Promise) await pending;
      const pause = pauseAfter(mutation.key.length + mutation.value.length);
      // oxlint-disable-next-line no-await-in-loop -- others take their turn here
      if (pause !== undefined) await pause;
    }
  };
  try {
    for await (const chunk of chunksOf(source)) {
      await takeAll(decoder.push(chunk));
      bytes += chunk.length;
      if (source.size === undefined) progress.count(records);
      else progress.update(Math.min(1, bytes / source.size));
    }
    await takeAll(decoder.end());
  } catch (error) {
    throw blameRecord(error, source, decoder, consequence);
  }
}

const BLAMES_THE_RECORD: ReadonlySet<string> = new Set([
  "UNDECODABLE_RECORD",
  "UNEXPECTED_COMMAND",
  "INVALID_ARGUMENT",
]);

function blameRecord(
  error: unknown,
  { name }: Source,
  { place }: RecordDecoder,
  consequence: string,
): unknown {
  if (!(error instanceof KvsError) || !BLAMES_THE_RECORD.has(error.code)) return error;
  return new Failure(USAGE, `Cannot import ${place} of ${name}, ${consequence}: ${error.message}`);
}

function apply(client: StoreClient, mutation: Mutation): Awaitable<unknown> {
  const { kind, key, expiresAt } = mutation;
  const isGone = kind === "remove" || (expiresAt !== 0 && expiresAt <= Date.now());
  return isGone ? client.delete(decodeKey(key) ?? keyBytes(key)) : client.write(mutation);
}
