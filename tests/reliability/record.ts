import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Campaign } from "./campaign.ts";

/** A run that failed. */
interface Failure {
  readonly seed: number;
  readonly failures: readonly string[];
}

/** What was tried of one campaign, on one state of the sources. */
export interface CampaignRecord {
  readonly name: string;
  /** What the engine's sources were, and the commit at that time. */
  readonly sources: string;
  readonly commit: string;
  /** The day of the last run. */
  readonly date: string;
  readonly firstSeed: number;
  readonly nextSeed: number;
  readonly cases: number;
  readonly seconds: number;
  readonly failed: readonly Failure[];
}

/** Where a campaign stands: each has a file of its own, so that two can run side by side. */
export class Records {
  readonly #directory: string;
  readonly #sources: string;
  readonly #commit: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.#sources = git("rev-parse", "HEAD:src");
    const isChanged = git("status", "--porcelain", "src") !== "";
    this.#commit = `${git("rev-parse", "--short", "HEAD")}${isChanged ? " with changes" : ""}`;
  }

  /** What was tried before; figures of other sources do not count, but their seeds are not tried again. */
  read(campaign: Campaign): CampaignRecord {
    const before = this.readLast(campaign);
    const isCurrent = before?.sources === this.#sources && !this.#commit.includes(" ");
    if (before !== undefined && isCurrent) return { ...before, commit: this.#commit };
    const firstSeed = campaign.runs === undefined ? (before?.nextSeed ?? 0) : 0;
    return {
      name: campaign.name,
      sources: this.#sources,
      commit: this.#commit,
      date: "",
      firstSeed,
      nextSeed: firstSeed,
      cases: 0,
      seconds: 0,
      failed: [],
    };
  }

  /** What was noted last, whatever the sources were. */
  readLast({ name }: Campaign): CampaignRecord | undefined {
    try {
      return JSON.parse(readFileSync(this.#pathOf(name), "utf8")) as CampaignRecord;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  write(record: CampaignRecord): void {
    mkdirSync(this.#directory, { recursive: true });
    const path = this.#pathOf(record.name);
    writeFileSync(`${path}.tmp`, `${JSON.stringify(record, undefined, 1)}\n`);
    renameSync(`${path}.tmp`, path);
  }

  #pathOf(name: string): string {
    return join(this.#directory, `${name}.json`);
  }
}

function git(...args: readonly string[]): string {
  const { exitCode, stdout } = Bun.spawnSync(["git", ...args], { stderr: "ignore" });
  return exitCode === 0 ? stdout.toString().trim() : "";
}
