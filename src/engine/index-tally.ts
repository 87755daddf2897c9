import type { IndexSummary } from "../format/index-file.ts";
import { KvsError } from "../format/errors.ts";
import type { EncodedKey } from "../format/key.ts";
import type { StoredRecord } from "../format/record.ts";
import type { Log } from "./log.ts";

/** Adds up what an index says of its log beside the entries. */
export class IndexTally {
  readonly #older: readonly Log[];
  #liveBytes = 0;
  #expiringBytes = 0;
  #shadowedBytes = 0;
  #firstExpiry = 0;
  #lastExpiry = 0;

  /** `older` are the logs below the indexed one, oldest first. */
  constructor(older: readonly Log[]) {
    this.#older = older;
  }

  /** Takes in a key's newest record in the log; its key's hash. */
  add(key: EncodedKey, record: Pick<StoredRecord, "kind" | "length" | "expiresAt">, hash: number): void {
    const { kind, length, expiresAt } = record;
    if (this.#older.length > 0) this.#shadowedBytes += this.#shadowedBy(key, hash);
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

  /** Bytes of the value that the key had before, in the newest of the older logs that knows it. */
  #shadowedBy(key: EncodedKey, hash: number): number {
    for (let index = this.#older.length - 1; index >= 0; index -= 1) {
      const record = lookupIfSound(this.#older[index], key, hash);
      if (record !== undefined) return record.kind === "put" ? record.length : 0;
    }
    return 0;
  }
}

/** Damage in another log is found by those who read that log; it does not keep this one from being indexed. */
function lookupIfSound(log: Log | undefined, key: EncodedKey, hash: number): StoredRecord | undefined {
  try {
    return log?.lookupSealed(key, hash);
  } catch (error) {
    if (error instanceof KvsError && error.code === "CORRUPT") return undefined;
    throw error;
  }
}
