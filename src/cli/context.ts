import { KvsError } from "../format/errors.ts";
import { type Access, type ConnectOptions, type StoreClient, schemeOf } from "./client.ts";
import { UsageError } from "./failures.ts";
import { LocalClient } from "./local-client.ts";
import { Output } from "./output.ts";
import type { Settings } from "./settings.ts";

/** What a running command has at hand. */
export class Context {
  readonly settings: Settings;
  /** Operands that stood after `--`. */
  readonly literal: ReadonlySet<string>;
  readonly out: Output = new Output();
  readonly #brief: boolean;
  #client: StoreClient | undefined;

  /** `brief` for commands that ask the store for one thing. */
  constructor(
    settings: Settings,
    { literal, brief }: { readonly literal: ReadonlySet<string>; readonly brief: boolean },
  ) {
    this.settings = settings;
    this.literal = literal;
    this.#brief = brief;
  }

  /** The store, or undefined where there is none yet: to most commands that is an empty one. */
  open(access: Access, override: Partial<ConnectOptions> = {}): StoreClient | undefined {
    return this.#connect(access, override);
  }

  /** The store; without one the command fails. */
  openExisting(access: "read" | "change"): StoreClient {
    const client = this.open(access);
    if (client !== undefined) return client;
    throw new KvsError(
      "NO_STORE",
      `Cannot open store "${this.settings.location}": there is no such directory`,
    );
  }

  /** The store, created if need be. */
  create(override: Partial<ConnectOptions> = {}): StoreClient {
    const client = this.#connect("create", override);
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
  async finish(): Promise<void> {
    const client = this.#client;
    await this.close();
    this.out.flush();
    client?.afterAnswer();
  }

  /** Closes the store; does nothing when it is closed already, or was never opened. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }

  #connect(access: Access, override: Partial<ConnectOptions>): StoreClient | undefined {
    const { waitMs, durability, format, autoCompact, tuning } = this.settings;
    const session = { waitMs, durability, closingDurability: durability, format, autoCompact, tuning };
    const options = { ...session, brief: this.#brief, isBulk: false, ...override };
    this.#client = LocalClient.open(this.directory, access, options);
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
