/**
 * Lets concurrent callers share one sync. It begins once all who are about to ask
 * for it have done so; whoever comes while one is under way waits for the next,
 * since the one under way may have started before their bytes were there.
 */
export class GroupCommit {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> = Promise.resolve();
  /** The one that has not begun. */
  #next: Promise<void> | undefined;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves after a sync that began after the call; rejects as that sync does. */
  async join(): Promise<void> {
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    this.#running = this.#sync();
    return this.#running;
  }
}
