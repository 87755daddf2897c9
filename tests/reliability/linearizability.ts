import type { OpenOptions } from "../../src/index.ts";
import { type Client, OneShotClient, SessionClient } from "../support/clients.ts";
import { isLinearizable, type Operation } from "../support/linearizable.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { inDirectory } from "../support/temporary.ts";
import type { Campaign, Outcome } from "./campaign.ts";
import { requireSound } from "./survival.ts";

/** Registers of any value, and counters. */
const REGISTERS = ["a", "b", "c", "d"] as const;
const COUNTERS = ["n", "m"] as const;
const KEYS: readonly string[] = [...REGISTERS, ...COUNTERS];

/** Others go on until those that are slowest have asked so often, but not for ever. */
const ASKED_BY_ONE_SHOTS = 12;
const MOST_ASKED = 150;

/** One question in so many is its process's last. */
const QUESTIONS_A_KILL = 25;

export const linearizability: Campaign = {
  name: "linearizability",
  test: 10,
  shows:
    "2, 3, 5: processes of all kinds, compaction and kills, told only what one process could have been told",
  unit: "operations",
  full: 500_000,
  run: (seed) => inDirectory((path) => new Meeting(path, seed).run()),
};

/** Several clients of one store, and the record of what they were told. */
class Meeting {
  readonly #path: string;
  readonly #random: SeededRandom;
  readonly #options: OpenOptions;
  readonly #told = new Map<string, Operation[]>(KEYS.map((key) => [key, []]));
  readonly #failures: string[] = [];
  /** Counts requests and replies, in the order in which they happen. */
  #clock = 0;
  #working = 0;

  constructor(path: string, seed: number) {
    this.#path = path;
    this.#random = seededRandom(seed);
    this.#options = {
      generationBytes: this.#random.pick([300, 1000, 5000]),
      durability: this.#random.pick(["os", "os", "sync"]),
      format: this.#random.pick(["binary", "binary", "json"]),
      compactionThreshold: this.#random.pick([0, 500]),
      cacheBytes: this.#random.pick([0, 0, 2000]),
      mmap: this.#random.below(3) > 0,
      waitMs: 60_000,
    };
  }

  async run(): Promise<Outcome> {
    const slow = [this.#oneShots(), this.#oneShots()];
    const sessions = [this.#session("library"), this.#session("library"), this.#session("library")];
    const fast = [...sessions, this.#session("library"), this.#session("binary"), this.#session("binary")];
    this.#working = slow.length;
    await Promise.all([
      ...slow.map((client, at) => this.#askSlowly(client, at)),
      ...fast.map((client, at) => this.#askOn(client, slow.length + at)),
      this.#compactOn(),
    ]);
    await this.#ask(this.#oneShots(), ["list"]);
    this.#judge();
    await requireSound(this.#path, "in the end").catch((error: unknown) =>
      this.#failures.push(String(error)),
    );
    const cases = [...this.#told.values()].reduce((sum, told) => sum + told.length, 0);
    return { cases, failures: this.#failures };
  }

  /** With all settings, or so few that plain requests take the short way. */
  #oneShots(): Client {
    const { durability = "sync", waitMs = 0 } = this.#options;
    const options = this.#random.pick<OpenOptions>([this.#options, { durability, waitMs }, { durability }]);
    return new OneShotClient(this.#path, options);
  }

  #session(program: "binary" | "library"): Client {
    return new SessionClient(program, this.#path, this.#options);
  }

  async #askSlowly(client: Client, name: number): Promise<void> {
    for (let asked = 0; asked < ASKED_BY_ONE_SHOTS; asked += 1)
      await this.#askAnything(client, `${name}.${asked}`);
    this.#working -= 1;
  }

  async #askOn(client: Client, name: number): Promise<void> {
    for (let asked = 0; this.#working > 0 && asked < MOST_ASKED; asked += 1) {
      await this.#askAnything(client, `${name}.${asked}`);
      await Bun.sleep(this.#random.below(4));
    }
    await client.end().catch((error: unknown) => this.#failures.push(String(error)));
  }

  async #compactOn(): Promise<void> {
    const client = this.#oneShots();
    while (this.#working > 0) {
      const killAfterMs = this.#random.below(3) === 0 ? { killAfterMs: this.#random.below(30) } : {};
      const reply = await client.ask(["compact", "--quiet"], killAfterMs);
      // There is nothing yet, or another one compacts.
      if (reply?.startsWith("error") === true && !/^error\t[35]\t/.test(reply))
        this.#failures.push(`compact: ${reply}`);
    }
  }

  async #askAnything(client: Client, token: string): Promise<void> {
    const kind = this.#random.below(12);
    if (kind === 0) return await this.#ask(client, ["list"]);
    const isCounter = kind < 4;
    const key = this.#random.pick(isCounter ? COUNTERS : REGISTERS);
    await this.#ask(client, isCounter ? this.#aboutCounter(key) : this.#aboutRegister(key, kind, token));
  }

  #aboutCounter(key: string): string[] {
    return this.#random.below(3) === 0 ? ["get", key] : ["incr", key];
  }

  #aboutRegister(key: string, kind: number, token: string): string[] {
    if (kind < 7) return ["get", key];
    if (kind === 7) return ["rm", key];
    if (kind === 8) return ["append", key, `+${token}`];
    if (kind === 9) return ["set", key, token, "--if-absent"];
    if (kind === 10) return ["set", key, token, `--if-equals=${this.#lastSeen(key)}`];
    return ["set", key, token];
  }

  /** A value that the key had of late. */
  #lastSeen(key: string): string {
    const seen = this.#told.get(key)?.findLast(({ reply }) => reply?.startsWith("value") === true);
    return seen?.reply?.slice("value\t".length) ?? "nothing yet";
  }

  async #ask(client: Client, fields: readonly string[]): Promise<void> {
    const start = this.#tick();
    const kill =
      this.#random.below(QUESTIONS_A_KILL) === 0
        ? { killAfterMs: this.#random.pick([0, 0, 1, 2, 10, 20]) }
        : {};
    try {
      const reply = await client.ask(fields, kill);
      if (reply?.startsWith("error") === true)
        this.#failures.push(`${client.name}: ${fields.join(" ")}: ${reply}`);
      this.#note(fields, reply, { start, end: this.#tick() });
    } catch (error) {
      this.#failures.push(String(error));
    }
  }

  #tick(): number {
    this.#clock += 1;
    return this.#clock;
  }

  /** A list has told of every key, at some moment. */
  #note(
    [name = "", key = "", ...operands]: readonly string[],
    reply: string | undefined,
    when: { start: number; end: number },
  ): void {
    if (name !== "list") {
      this.#told.get(key)?.push({ name, operands, reply, ...when });
      return;
    }
    const [, ...fields] = reply?.split("\t") ?? [];
    for (const each of reply === undefined ? [] : KEYS) {
      const at = fields.findIndex((field, index) => index % 2 === 0 && field === each);
      this.#told
        .get(each)
        ?.push({ name: "get", operands: [], reply: at < 0 ? "none" : `value\t${fields[at + 1]}`, ...when });
    }
  }

  #judge(): void {
    for (const [key, told] of this.#told) {
      if (isLinearizable(told)) continue;
      const story = told.map(
        ({ name, operands, reply, start, end }) => `${start}-${end} ${name} ${operands.join(" ")}: ${reply}`,
      );
      this.#failures.push(
        `no order explains what was told of "${key}", ${JSON.stringify(this.#options)}:\n${story.join("\n")}`,
      );
    }
  }
}
