import type { Disk } from "../disk/disk.ts";
import { KvsError } from "../format/errors.ts";
import { type Damage, Findings, located } from "./findings.ts";
import { newStoreId } from "./identifiers.ts";
import { type Loss, planRepair } from "./repair-plan.ts";
import { Salvage } from "./salvage.ts";
import { StagedStore } from "./staged-store.ts";
import { openStoreFiles, promisedOf } from "./store-files.ts";
import type { OnProgress } from "./verify.ts";

/** What `repairStore` did. */
export interface RepairResult {
  /** Absolute path of the new store. */
  readonly directory: string;
  /** How many logs it has, and how large they are. */
  readonly logs: number;
  readonly bytes: number;
  /** Records in it, those that were overwritten since among them. */
  readonly records: number;
  /** What was lost, the first 1,000 places. */
  readonly lost: readonly Loss[];
  /** How many such places there are. */
  readonly lostCount: number;
  /** Ends of logs that a write which was cut short had left: nothing that was acknowledged. */
  readonly tornTails: readonly Damage[];
}

/**
 * Writes every record of a store that is whole into a new store, in steps. A log
 * that is sound is copied as it is; of any other one, what verifies is written to
 * a new log in its place. So the newest record of a key that is left wins, and
 * memory does not grow with the store.
 */
export function* repairSteps(
  disk: Disk,
  source: string,
  directory: string,
  onProgress: OnProgress = () => undefined,
): Generator<void, RepairResult> {
  const files = yield* openStoreFiles(disk, source);
  try {
    const lost = new Findings<Loss>();
    const planned = yield* planRepair(files, lost);
    const [first] = planned;
    if (first === undefined) {
      throw new KvsError("NO_STORE", `Cannot repair "${source}": there is no log in it`);
    }
    const allBytes = planned.flatMap(({ sources }) => sources).reduce((sum, { size }) => sum + size, 1);
    const store = StagedStore.begin(disk, directory, { action: "repair into", keepsLock: true });
    try {
      const salvage = new Salvage(store, files.storeId ?? newStoreId(), {
        lost,
        promised: (log) => promisedOf(files, log, disk.bootId()),
        onRead: (bytes) => onProgress(Math.min(1, bytes / allBytes)),
      });
      for (const log of planned) yield* salvage.write(log);
      const { bytes, records, tornTails } = salvage;
      if (records === 0 && lost.count > 0) {
        throw new KvsError("CORRUPT", `Cannot repair "${source}": no record in it is whole`, {
          file: source,
        });
      }
      // The first one has the first generation: without it the others are no store.
      store.publish(first);
      const logs = planned.length;
      return {
        directory,
        logs,
        bytes,
        records,
        lost: located(source, lost.listed),
        lostCount: lost.count,
        tornTails: located(source, tornTails),
      };
    } finally {
      store.end();
    }
  } finally {
    files.close();
  }
}
