import { KvsError } from "../format/errors.ts";
import { lookUp } from "../engine/look-up.ts";
import type { Key } from "../engine/options.ts";
import { type Access, type Awaitable, type ConnectOptions, type StoreClient, schemeOf } from "./client.ts";
import { UsageError } from "./failures.ts";
import { Output } from "./output.ts";
import type { Settings } from "./settings.ts";

/** What a running command has at hand. */
export class Context {
  readonly settings: Settings;
  /** Operands that stood after `--`. */
  readonly literal: ReadonlySet<string>;
  readonly out: Output = new Output();
  /** Paths as the user has typed them, those of which the engine may speak. */
  readonly typedPaths: string[];
  readonly #brief: boolean;
  #client: StoreClient | undefined;

  /** `brief` for commands that ask the store for one thing. */
  constructor(
    settings: Settings,
    { literal, brief }: { readonly literal: ReadonlySet<string>; readonly brief: boolean },
  ) {
    this.settings = settings;
    this.typedPaths = [settings.location];
    this.literal = literal;
    this.#brief = brief;
  }

  /** The value of a key; undefined where it has none, or there is no store. */
  lookUp(key: Key): Promise<Uint8Array | undefined> {
    return lookUp(this.directory, key);
  }

  /** The store, or undefined where there is none yet: to most commands that is an empty one. */
  async open(access: Access, override: Partial<ConnectOptions> = {}): Promise<StoreClient | undefined> {
    return await this.#connect(access, override);
  }

  /** The store; without one the command fails. */
  async openExisting(access: "read" | "change"): Promise<StoreClient> {
    const client = await this.open(access);
    if (client !== undefined) return client;
    throw new KvsError(
      "NO_STORE",
      `Cannot open store "${this.settings.location}": there is no such directory`,
    );
  }

  /** The store, created if need be. */
  async create(override: Partial<ConnectOptions> = {}): Promise<StoreClient> {
    const client = await this.#connect("create", override);
    if (client === undefined) throw new Error("A store that was to be created is missing");
    return client;
  }

  /** Tells the user something; on standard error, unless they asked for quiet. */
  async inform(text: string): Promise<void> {
    if (this.settings.quiet) return;
    const { log } = await import("./slow-path.ts");
    log.info(text);
  }

  /** Makes every write durable, then gives the output away: nothing is answered before it is true. */
  finish(): Awaitable<void> {
    if (this.#client === undefined) this.out.flush();
    else return this.#finishWith(this.#client);
  }

  async #finishWith(client: StoreClient): Promise<void> {
    await this.close();
    this.out.flush();
    client.afterAnswer();
  }

  /** Closes the store; does nothing when it is closed already, or was never opened. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }

  async #connect(access: Access, override: Partial<ConnectOptions>): Promise<StoreClient | undefined> {
    const { directory } = this;
    const { LocalClient } = await import("./local-client.ts");
    const { waitMs, durability, format, autoCompact, tuning } = this.settings;
    const session = { waitMs, durability, closingDurability: durability, format, autoCompact, tuning };
    const options = { ...session, brief: this.#brief, isBulk: false, ...override };
    this.#client = LocalClient.open(directory, access, options);
    return this.#client;
  }

  /** The location, as far as it is a directory. */
  get directory(): string {
    const { location } = this.settings;
    const scheme = schemeOf(location);
    if (scheme !== undefined) {
      throw new UsageError(
        `Cannot open store "${location}": "${scheme}" is no known kind of store, expected a directory`,
      );
    }
    return location;
  }
}
