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
        for (let seed = next(); seed !== undefined; seed = next()) onOutcome(seed, await worker.run(seed));
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

  async run(seed: number): Promise<Outcome> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null)
      return { cases: 0, failures: ["its process has ended before"] };
    const { promise, resolve: answer } = Promise.withResolvers<Outcome>();
    this.#answer = answer;
    this.#child.send(seed);
    return promise;
  }

  end(): void {
    this.#child.kill();
  }
}
