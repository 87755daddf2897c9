import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { presentKey } from "../keys.ts";
import { type ProgramKind, VALUE } from "./program.ts";

const LOOPBACK = "127.0.0.1";
const ATTEMPTS = 200;
const PAUSE_MS = 25;
/** Commands on their way at once while the store is filled. */
const IN_FLIGHT = 1000;

export const redisProgram: ProgramKind = {
  name: "redis-cli",
  description: "a server on loopback with an append-only file; `appendfsync no`, or `always`",
  tools: [
    { command: "redis-server", package: "redis-server" },
    { command: "redis-cli", package: "redis-tools" },
  ],
  async start(directory, keys) {
    const fast = await Server.start(join(directory, "no"), "no", keys);
    const durable = await Server.start(join(directory, "always"), "always", 1);
    const key = presentKey(keys >>> 1);
    return {
      commandOf(act) {
        const { port } = act === "set-durable" ? durable : fast;
        const command = ["redis-cli", "-h", LOOPBACK, "-p", String(port)];
        return act === "get" ? [...command, "GET", key] : [...command, "SET", key, VALUE];
      },
      async stop() {
        await Promise.all([fast.stop(), durable.stop()]);
      },
    };
  },
};

class Server {
  readonly port: number;
  readonly #child: Bun.Subprocess;

  static async start(directory: string, appendfsync: "no" | "always", keys: number): Promise<Server> {
    mkdirSync(directory);
    const server = new Server(directory, appendfsync, freePort());
    try {
      await server.#fill(keys);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  private constructor(directory: string, appendfsync: string, port: number) {
    this.port = port;
    const settings = {
      bind: LOOPBACK,
      port: String(port),
      dir: directory,
      save: "",
      appendonly: "yes",
      appendfsync,
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    this.#child = Bun.spawn(["redis-server", ...flags], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
    });
  }

  async stop(): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
  }

  async #fill(keys: number): Promise<void> {
    const client = await this.#connect();
    for (let done = 0; done < keys; done += IN_FLIGHT) {
      const length = Math.min(IN_FLIGHT, keys - done);
      await Promise.all(
        Array.from({ length }, async (_, index) => client.set(presentKey(done + index), VALUE)),
      );
    }
    client.close();
  }

  async #connect(): Promise<Bun.RedisClient> {
    for (let attempt = 1; ; attempt += 1) {
      const client = new Bun.RedisClient(`redis://${LOOPBACK}:${this.port}`, { autoReconnect: false });
      try {
        await client.connect();
        return client;
      } catch (error) {
        if (attempt === ATTEMPTS || this.#child.exitCode !== null) throw error;
        await Bun.sleep(PAUSE_MS);
      }
    }
  }
}

/** A port that nobody has at the moment. */
function freePort(): number {
  const listener = Bun.listen({ hostname: LOOPBACK, port: 0, socket: { data: () => undefined } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
