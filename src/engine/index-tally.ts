import type { IndexSummary } from "../format/index-file.ts";
import type { StoredRecord } from "../format/record.ts";
import type { Log } from "./log.ts";

/**
 * In a log of many keys one of so many is looked up in the older logs, and stands for the others:
 * with twenty older logs that would take longer than all the rest. 64 Ki keys of which every
 * eighth is looked at are off by half a percent.
 */
const SAMPLE = 8;
const MANY_KEYS = 65_536;

/** Adds up what an index says of its log beside the entries. */
export class IndexTally {
  /** Newest first. */
  readonly #older: readonly Log[];
  readonly #sample: number;
  #liveBytes = 0;
  #expiringBytes = 0;
  #shadowedBytes = 0;
  #firstExpiry = 0;
  #lastExpiry = 0;

  /** `older` are the logs below the indexed one, oldest first; `keys` is about how many keys there will be. */
  constructor(older: readonly Log[], keys: number) {
    this.#older = older.toReversed();
    this.#sample = keys > MANY_KEYS ? SAMPLE : 1;
  }

  /** Takes in a key's newest record in the log, its length in bytes, and the key's hash. */
  add({ kind, expiresAt }: Pick<StoredRecord, "kind" | "expiresAt">, length: number, hash: number): void {
    if (hash % this.#sample === 0) this.#shadowedBytes += this.#shadowedBy(hash) * this.#sample;
    if (kind === "remove") return;
    this.#liveBytes += length;
    if (expiresAt === 0) return;
    this.#expiringBytes += length;
    this.#firstExpiry = this.#firstExpiry === 0 ? expiresAt : Math.min(this.#firstExpiry, expiresAt);
    this.#lastExpiry = Math.max(this.#lastExpiry, expiresAt);
  }

  summary(
    log: Pick<IndexSummary, "logId" | "logBytes" | "content" | "records" | "entries" | "recordBytes">,
  ): IndexSummary {
    return {
      ...log,
      liveBytes: this.#liveBytes,
      expiringBytes: this.#expiringBytes,
      shadowedBytes: this.#shadowedBytes,
      firstExpiry: this.#firstExpiry,
      lastExpiry: this.#lastExpiry,
    };
  }

  /**
   * Bytes of the record that the key had before, in the newest of the older logs
   * that seems to know it. Going by the indexes alone mistakes another key for it
   * once in a hundred times, and spares reading every record that was overwritten.
   */
  #shadowedBy(hash: number): number {
    for (const log of this.#older) {
      const bytes = log.bytesAt(hash);
      if (bytes > 0) return bytes;
    }
    return 0;
  }
}
