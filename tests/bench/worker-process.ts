import { resolve } from "node:path";
import type { Memory } from "./memory.ts";
import type { Answer, Order, WorkerSettings } from "./worker.ts";
import type { Outcome } from "./works.ts";

const SCRIPT = resolve(import.meta.dirname, "worker.ts");

/**
 * A worker, seen from outside. It stands still unless it works: what an engine
 * does behind its user's back falls into its own time, not into that of others.
 */
export class WorkerProcess {
  readonly engine: string;
  readonly #child: Bun.Subprocess<"ignore", "inherit", "inherit">;
  #answer = Promise.withResolvers<Answer>();

  /** With a directory for profiles, it leaves one of its CPU time there. */
  constructor(settings: WorkerSettings, profiles?: string) {
    this.engine = settings.engine;
    const flags =
      profiles === undefined
        ? []
        : ["--cpu-prof", "--cpu-prof-md", `--cpu-prof-dir=${profiles}/${this.engine}`];
    this.#child = Bun.spawn([process.execPath, ...flags, SCRIPT, JSON.stringify(settings)], {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      ipc: (answer: Answer) => this.#answer.resolve(answer),
      onExit: (_, exitCode) => this.#answer.resolve({ error: `exited with ${exitCode}` }),
    });
  }

  /** Waits until the store is open. */
  async ready(): Promise<void> {
    await this.#next();
    this.#child.kill("SIGSTOP");
  }

  /** Does a work; undefined if the engine has no such thing. */
  async run(work: string): Promise<{ readonly outcome: Outcome; readonly memory: Memory } | undefined> {
    const answer = await this.#order({ work });
    this.#child.kill("SIGSTOP");
    return "outcome" in answer ? answer : undefined;
  }

  /** Closes the store and ends the process. */
  async close(): Promise<void> {
    await this.#order({ close: true });
    await this.#child.exited;
  }

  /** Ends the process whatever it does. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #order(order: Order): Promise<Answer> {
    this.#answer = Promise.withResolvers();
    this.#child.kill("SIGCONT");
    this.#child.send(order);
    return this.#next();
  }

  async #next(): Promise<Answer> {
    const answer = await this.#answer.promise;
    if ("error" in answer) throw new Error(`The engine "${this.engine}" failed: ${answer.error}`);
    return answer;
  }
}
