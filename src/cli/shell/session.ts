import type { Access, Awaitable, StoreClient } from "../client.ts";
import type { Context } from "../context.ts";

/** What a session writes reaches the system at once, and the disk before the replies are sent. */
const SETTLED_LATER = { durability: "os" } as const;

/** The store of a session: opened by the first request that finds or needs one, and again after a failure. */
export class Session {
  readonly #data: Context;
  #client: StoreClient | undefined;
  #mayWrite = false;

  constructor(data: Context) {
    this.#data = data;
  }

  /** The open store if it serves such a request. */
  current(access: Access): StoreClient | undefined {
    return this.#mayWrite || access === "read" ? this.#client : undefined;
  }

  /** Opens the store for such a request; undefined where there is none. */
  async open(access: Access): Promise<StoreClient | undefined> {
    await this.close();
    this.#client = await this.#data.open(access, SETTLED_LATER);
    this.#mayWrite = access !== "read" && this.#client !== undefined;
    return this.#client;
  }

  settle(): Awaitable<void> {
    return this.#mayWrite ? this.#client?.settle() : undefined;
  }

  /** Lets go of the store; what it was told to write is settled, or has failed and been answered so. */
  async close(): Promise<void> {
    this.#client = undefined;
    this.#mayWrite = false;
    try {
      await this.#data.close();
    } catch {
      // Its failure was the answer to the request that met it.
    }
  }
}
