/** A handle that may hold a store's write lock until its tick ends. */
export interface LockHolder {
  /** Writes what is buffered and gives the lock back; keeps its failure to itself. */
  giveBack(): void;
}

const holders = new Set<LockHolder>();
let exitHookInstalled = false;

/** Registers a handle that holds its lock; at the process's exit it is asked to write what it buffers. */
export function addHolder(holder: LockHolder): void {
  holders.add(holder);
  if (exitHookInstalled) return;
  exitHookInstalled = true;
  process.on("exit", giveBackAll);
}

export function removeHolder(holder: LockHolder): void {
  holders.delete(holder);
}

/**
 * Makes every handle of this thread give its lock back. A handle about to wait
 * calls it first: two handles of one program would wait for each other for ever.
 */
export function giveBackAll(): void {
  for (const holder of holders) holder.giveBack();
}
