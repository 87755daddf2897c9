import { indexName, logName, temporaryName } from "../disk/file-names.ts";
import type { LogFormat } from "../format/codec.ts";
import { KvsError } from "../format/errors.ts";
import type { Interval, LogHeader } from "../format/header.ts";
import { nextLayout } from "../format/hint.ts";
import { encodeLogHeader, encodeLogHeaderAnew } from "../format/log-header.ts";
import type { Mutation } from "../format/record.ts";
import { writeRecord } from "./bulk.ts";
import { tryCompactionLock, unlockCompaction } from "./compaction-lock.ts";
import { type CompactionContext, removeSuperseded } from "./compaction.ts";
import type { Generations } from "./generations.ts";
import { StoreHandle, type Surroundings } from "./handle.ts";
import { type ImportDirectory, makeImportDirectory, removeImportDirectory } from "./import-directory.ts";
import type { Log } from "./log.ts";
import { mapIfFew } from "./mapped-bytes.ts";
import { type MergedLog, mergeLogs } from "./merge.ts";
import { type OpenOptions, resolveOptions } from "./options.ts";
import { runInSlices } from "./slices.ts";
import { trimMemory } from "./trim-memory.ts";

/** What a log is called whose place is not known yet: no other number takes more room in a text. */
const SOMEWHERE: Interval = { first: Number.MAX_SAFE_INTEGER - 1, last: Number.MAX_SAFE_INTEGER };

/** Ids of as many logs as it will replace, which are not there yet either. */
const NOT_YET: readonly string[] = ["0".repeat(16), "0".repeat(16)];

/** How the store is used in which records are gathered. */
export type GatheringSettings = Pick<OpenOptions, "mmap"> & Pick<Surroundings, "startIndexing">;

/** The inputs are mapped, and what was read of them is of no more use. */
const TRIMMED_BYTES: number = 32 * 1024 * 1024;

/**
 * An import that is there whole or not at all. Records are gathered in a store of
 * their own, in a directory inside the store's, and merged into one log. It then
 * takes the place of two logs that are empty, by one rename, as any merge does;
 * they are made at that moment, so that it stands behind all that was written
 * before. Until then nobody sees a thing of it, and nobody waits for it.
 */
export class StagedImport {
  readonly #main: StoreHandle;
  readonly #directory: ImportDirectory;
  readonly #gathered: StoreHandle;
  /** The format of the store as it is when the import starts. */
  readonly #format: LogFormat;
  #steps: Generator<void> | undefined;
  #isOver = false;

  /** Starts an import into a store that is open. */
  static begin(main: StoreHandle, settings: GatheringSettings): StagedImport {
    main.begin();
    const { disk, directory, writer } = main.internals();
    const made = makeImportDirectory(disk, directory);
    writer.release();
    return new StagedImport(main, made, settings);
  }

  private constructor(main: StoreHandle, directory: ImportDirectory, settings: GatheringSettings) {
    this.#main = main;
    this.#directory = directory;
    const { disk, generations } = main.internals();
    this.#format = newestOf(generations).codec.format;
    // Merged once, at the end: a merge on the way would drop removals, which are about the store's records.
    const { startIndexing, mmap = true } = settings;
    const options = resolveOptions({ mmap, autoCompact: false, bloomBitsPerKey: 0 });
    this.#gathered = new StoreHandle(
      { disk, leavesMaintenance: true, startIndexing },
      directory.path,
      options,
    );
    this.#gathered.open();
  }

  /** Adds a record, or a removal; of those of one key the last one counts. */
  add(mutation: Mutation): void {
    writeRecord(this.#gathered, mutation);
  }

  /** Puts everything into the store, durably. `onProgress` is told how much of that is done, from 0 to 1. */
  async publish(onProgress: (done: number) => void = () => undefined): Promise<void> {
    try {
      const inputs = await this.#sealInputs();
      const total = inputs.reduce((sum, input) => sum + input.size(), 0);
      let trimmedAt = 0;
      const steps = this.#merge(inputs, (bytes) => {
        onProgress(Math.min(1, bytes / total));
        if (bytes - trimmedAt < TRIMMED_BYTES) return;
        trimmedAt = bytes;
        trimMemory();
      });
      this.#steps = steps;
      const merged = await runInSlices(steps);
      // Given up while it was merged: the files are gone.
      if (!this.#isOver) this.#putInPlace(merged);
    } finally {
      this.discard();
    }
  }

  /** Gives the import up, and removes what there is of it; does nothing once it is published. */
  discard(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#steps?.return(undefined);
    this.#gathered.abandon();
    removeImportDirectory(this.#main.internals().disk, this.#directory);
  }

  async #sealInputs(): Promise<readonly Log[]> {
    const { writer, generations } = this.#gathered.internals();
    writer.begin();
    writer.rotate();
    writer.release();
    await this.#gathered.indexed();
    const inputs = generations.logs.slice(0, -1);
    mapIfFew(inputs);
    for (const input of inputs) input.loadSealed();
    return inputs;
  }

  *#merge(inputs: readonly Log[], onWritten: (bytes: number) => void): Generator<void, MergedLog> {
    const { disk, generations, bloomBitsPerKey } = this.#main.internals();
    generations.catchUp();
    // Those that have an index: what the others hold is not counted as made stale.
    const older = generations.logs.slice(0, -1);
    for (const log of older) log.retain();
    try {
      return yield* mergeLogs({
        disk,
        directory: this.#directory.path,
        storeId: newestOf(generations).header.storeId,
        inputs,
        replaces: NOT_YET,
        older,
        interval: SOMEWHERE,
        format: this.#format,
        bloomBitsPerKey,
        now: Date.now(),
        onWritten,
      });
    } finally {
      for (const log of older) log.release();
    }
  }

  /** The log's renaming is the moment from which the import is there. */
  #putInPlace(merged: MergedLog): void {
    const context = this.#main.internals();
    const { disk, directory, generations, writer } = context;
    // What was written meanwhile is read before the lock is taken: nobody should wait for that.
    generations.catchUp();
    this.#main.begin();
    const header = { ...merged.header, ...makeRoom(context, merged.header.storeId) };
    this.#putHead(header);
    this.#renameIndex(header);
    disk.rename(this.#pathOf(logName(SOMEWHERE)), `${directory}/${logName(header)}`);
    // What is written behind it must not outlive it.
    disk.syncDirectory(directory);
    generations.reload();
    const { counter, layout } = writer.hint;
    writer.putHint({ counter: counter + 2, layout: nextLayout(layout) });
    writer.release();
    removeReplaced(context);
  }

  #putHead(header: LogHeader): void {
    const { disk } = this.#main.internals();
    const provisional = encodeLogHeader(this.#format, { ...header, ...SOMEWHERE, inputs: NOT_YET });
    const head = encodeLogHeaderAnew(this.#format, header, provisional.length);
    disk.writeHead(this.#pathOf(logName(SOMEWHERE)), head);
  }

  /** Records without checksums are vouched for by a sum over all bytes of their log: it has another one by now. */
  #renameIndex(header: LogHeader): void {
    const { disk, directory } = this.#main.internals();
    if (this.#format === "binary")
      disk.rename(this.#pathOf(indexName(SOMEWHERE)), `${directory}/${indexName(header)}`);
  }

  #pathOf(name: string): string {
    return `${this.#directory.path}/${temporaryName(name)}`;
  }
}

/** Makes two empty logs behind all that was written, the write lock held: where they stand, and who they are. */
function makeRoom(
  { generations, writer }: CompactionContext,
  storeId: string,
): Interval & Pick<LogHeader, "inputs"> {
  const newest = newestOf(generations);
  if (newest.header.storeId !== storeId)
    throw new KvsError("IO", `Cannot import: "${newest.path}" belongs to another store than before`);
  if (newest.end > newest.headerBytes) writer.rotate();
  const first = newestOf(generations);
  writer.rotate();
  const last = newestOf(generations);
  writer.rotate();
  return { first: first.first, last: last.last, inputs: [first.header.logId, last.header.logId] };
}

/** Only a compactor removes logs; if there is one at work, it will remove these. */
function removeReplaced(context: CompactionContext): void {
  const lock = tryCompactionLock(context.disk, context.directory);
  if (lock === undefined) return;
  try {
    removeSuperseded(context);
  } finally {
    unlockCompaction(lock);
  }
}

function newestOf({ newest }: Generations): Log {
  if (newest === undefined) throw new Error("A store that is imported into has a log");
  return newest;
}
