import { resolve } from "node:path";
import type { Campaign, Outcome } from "./campaign.ts";

const SCRIPT = resolve(import.meta.dirname, "campaign-process.ts");

/** Processes that run the seeds of one campaign side by side. */
export class Pool implements Disposable {
  readonly #workers: readonly CampaignProcess[];

  constructor(campaign: Campaign, processes: number) {
    this.#workers = Array.from({ length: processes }, () => new CampaignProcess(campaign));
  }

  /** Runs one seed after another until `next` gives none; tells what came of each. */
  async run(
    next: () => number | undefined,
    onOutcome: (seed: number, outcome: Outcome) => void,
  ): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        // What ends a process is told once: no other seed is to blame for it.
        for (let seed = worker.isAlive ? next() : undefined; seed !== undefined;) {
          onOutcome(seed, await worker.run(seed));
          seed = worker.isAlive ? next() : undefined;
        }
      }),
    );
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.end();
  }
}

class CampaignProcess {
  readonly #child: Bun.Subprocess<"ignore", "inherit", "inherit">;
  #answer: (outcome: Outcome) => void = () => undefined;

  constructor({ name }: Campaign) {
    this.#child = Bun.spawn([process.execPath, SCRIPT, name], {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      ipc: (outcome: Outcome) => this.#answer(outcome),
      onExit: (_child, code, signal) =>
        this.#answer({ cases: 0, failures: [`its process ended with ${signal ?? `exit code ${code}`}`] }),
    });
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async run(seed: number): Promise<Outcome> {
    const { promise, resolve: answer } = Promise.withResolvers<Outcome>();
    this.#answer = answer;
    this.#child.send(seed);
    return promise;
  }

  end(): void {
    this.#child.kill();
  }
}
