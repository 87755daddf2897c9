import { KvStore } from "../engine/store.ts";
import type { Settings } from "./settings.ts";

/**
 * Makes the indexes of a store that is there and whole, so that its first readers
 * need not read its logs. Without them it answers the same: what fails here is
 * tried by a later writer.
 */
export function makeIndexes(directory: string, { waitMs, tuning }: Settings): void {
  const options = { waitMs, ...tuning, autoCompact: false };
  try {
    {
      using store = KvStore.openForProcess(directory, options);
      // Only logs that have a successor are indexed; who begins a write gives the newest one its own.
      store.batch([]);
    }
    KvStore.maintain(directory, options);
  } catch {
    // The disk may be full now.
  }
}
