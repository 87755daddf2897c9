import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OpenOptions } from "../../src/index.ts";
import { type Client, SessionClient } from "../support/clients.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { answerOf } from "../support/run-command.ts";
import { kvsCommand, serving, Session } from "../support/session.ts";
import { inDirectory } from "../support/temporary.ts";
import type { Campaign, Outcome } from "./campaign.ts";
import { History } from "./history.ts";
import { survives } from "./survival.ts";

const CREATORS = 4;
const RACES = 250;

/** In one race of so many somebody dies, and after one of so many somebody spoils LOCK. */
const RACES_A_DEATH = 12;
const RACES_A_SPOILING = 8;

/** How long somebody waits who must not get the lock, and one who must. */
const SHORT_MS = 40;
const LONG_MS = 60_000;

export const lockRaces: Campaign = {
  name: "lock-races",
  test: 15,
  shows:
    "1, 2, 6: races for one lock, holders and waiters that are killed, garbage in LOCK; nobody ever cleans up",
  unit: "races",
  full: 100_000,
  run: (seed) => inDirectory((path) => new Contest(path, seed).run()),
};

class Contest {
  readonly #path: string;
  readonly #random: SeededRandom;
  readonly #options: OpenOptions;
  readonly #expected = new History();

  constructor(path: string, seed: number) {
    this.#path = path;
    this.#random = seededRandom(seed);
    this.#options = {
      generationBytes: this.#random.pick([300, 3000, 1_000_000]),
      durability: this.#random.pick(["os", "os", "sync"]),
      format: this.#random.pick(["binary", "binary", "json"]),
      autoCompact: false,
      waitMs: LONG_MS,
    };
  }

  async run(): Promise<Outcome> {
    try {
      await this.#create();
      await this.#outliveHolder(this.#random.below(2) === 0);
      const races = await this.#race();
      await this.#outliveHolder(this.#random.below(2) === 0);
      await survives(
        this.#path,
        { history: this.#expected, least: this.#expected.length, most: this.#expected.length },
        this.#options,
      );
      return { cases: CREATORS + races, failures: [] };
    } catch (error) {
      return { cases: CREATORS, failures: [`${JSON.stringify(this.#options)}: ${String(error)}`] };
    }
  }

  /** Several create the same store at once. */
  async #create(): Promise<void> {
    const creators = Array.from({ length: CREATORS }, (_, at) => `creator${at}`);
    await Promise.all(creators.map((key) => this.#set(key, "was here")));
    this.#expected.push(creators.map((key) => ({ key, value: "was here", expiresAt: 0 })));
  }

  async #set(key: string, value: string): Promise<void> {
    const { code, stderr } = await answerOf(kvsCommand(this.#path, this.#options, ["set", key, value]));
    if (code !== 0) throw new Error(`set ${key}: ${code} ${stderr}`);
  }

  /** Somebody holds the lock, perhaps asleep, and is killed; so is somebody who waits for it. */
  async #outliveHolder(isStopped: boolean): Promise<void> {
    const holder = new Session(serving("library", this.#path, this.#options));
    try {
      if ((await holder.ask("hold\theld")) !== "holding") throw new Error("it does not hold the lock");
      if (isStopped) holder.kill("SIGSTOP");
      await this.#requireLocked(holder.pid);
      const set = kvsCommand(this.#path, this.#options, ["set", "waiter", "was here"]);
      if ((await answerOf(set, { killAfterMs: SHORT_MS })).code !== null) throw new Error("nobody waited");
    } finally {
      holder.kill();
      await holder.end();
    }
    await this.#set("after", "the holder's death");
    this.#expected.push([{ key: "after", value: "the holder's death", expiresAt: 0 }]);
  }

  async #requireLocked(pid: number): Promise<void> {
    const command = kvsCommand(this.#path, { ...this.#options, waitMs: SHORT_MS }, [
      "set",
      "nobody",
      "was here",
    ]);
    const { code, stderr } = await answerOf(command);
    if (code !== 5 || !stderr.includes(`held by process ${pid} for longer than ${SHORT_MS} ms`))
      throw new Error(`a held lock is not respected: ${code} ${stderr}`);
  }

  async #race(): Promise<number> {
    const programs = ["library", "binary", "library", "binary"] as const;
    const racers = programs.map((program) => new SessionClient(program, this.#path, this.#options));
    try {
      for (let race = 0; race < RACES; race += 1) {
        await this.#runRace(racers, race);
        if (this.#random.below(RACES_A_SPOILING) === 0) spoil(join(this.#path, "LOCK"), this.#random);
      }
      // The hint that garbage has replaced comes back with the next write.
      await this.#set("after", "the races");
    } finally {
      await Promise.all(racers.map(async (racer) => await racer.end()));
    }
    this.#expected.push([{ key: "after", value: "the races", expiresAt: 0 }]);
    return RACES;
  }

  /** All want what only one can have; of somebody who dies nobody knows. */
  async #runRace(racers: readonly Client[], race: number): Promise<void> {
    const dying = this.#random.below(RACES_A_DEATH) === 0 ? this.#random.below(racers.length) : -1;
    const replies = await Promise.all(
      racers.map((racer, at) => {
        const kill = at === dying ? { killAfterMs: this.#random.below(3) } : {};
        return racer.ask(["set", "prize", `${race}.${at}`, "--if-absent"], kill);
      }),
    );
    const winners = replies.flatMap((reply, at) => (reply === "ok" ? [at] : []));
    const [winner = dying] = winners;
    const judge = racers[race % racers.length];
    const prize = await judge?.ask(["get", "prize"]);
    const wrong = replies.find((reply) => reply !== undefined && reply !== "ok" && reply !== "no");
    if (winners.length > 1 || wrong !== undefined || prize !== `value\t${race}.${winner}`)
      throw new Error(`race ${race}: ${JSON.stringify(replies)}, and then ${prize}`);
    if ((await judge?.ask(["rm", "prize"])) !== "ok") throw new Error(`race ${race}: the prize is gone`);
  }
}

/** Puts garbage into LOCK, some or much, or takes it away; while nobody writes. */
function spoil(lock: string, random: SeededRandom): void {
  const bytes = existsSync(lock) ? readFileSync(lock) : Buffer.alloc(0);
  const how = random.below(4);
  if (how === 0) {
    rmSync(lock, { force: true });
    return;
  }
  const spoiled = how === 1 ? Buffer.concat([bytes, Buffer.alloc(1 + random.below(5000))]) : bytes;
  const from = how === 2 ? random.below(Math.max(1, spoiled.length)) : 0;
  const to = how === 2 ? Math.min(spoiled.length, from + 1 + random.below(8)) : spoiled.length;
  for (let at = from; at < to; at += 1) spoiled[at] = random.below(256);
  // In place: a process may have it mapped, and it never shrinks.
  writeFileSync(lock, spoiled, { flag: "r+" });
}
