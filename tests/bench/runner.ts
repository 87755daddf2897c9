import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ENGINES } from "./engines/all.ts";
import type { EngineKind } from "./engines/engine.ts";
import { KEY_BYTES } from "./keys.ts";
import type { Memory } from "./memory.ts";
import { rotated } from "./statistics.ts";
import { WorkerProcess } from "./worker-process.ts";
import { type Group, GROUPS, type Work } from "./works.ts";

/** A store of more data than this is not made: it would take hours, and most disks. */
const MOST_DATA_BYTES = 1.2e9;

/** A store under measurement. */
export interface Configuration {
  readonly keys: number;
  readonly valueBytes: number;
}

export interface RunSettings {
  readonly configurations: readonly Configuration[];
  readonly engines: readonly string[];
  readonly works: readonly string[];
  readonly rounds: number;
  /** Longest time of a work that may stop early. */
  readonly seconds: number;
  /** An empty directory for the stores. */
  readonly scratch: string;
  /** Where to leave CPU profiles, if they are wanted. */
  readonly profiles?: string;
  readonly onProgress: (message: string) => void;
}

/** One work, done by one engine in one round. */
export interface Measurement {
  readonly keys: number;
  readonly valueBytes: number;
  readonly work: string;
  readonly engine: string;
  readonly round: number;
  readonly operations: number;
  readonly nanoseconds: number;
  readonly memory: Memory;
}

/** Every size of keys with every size of values, as far as the data stays bearable. */
export function configurationsOf(keys: readonly number[], valueBytes: readonly number[]): Configuration[] {
  const all = keys.flatMap((count) =>
    valueBytes.map((bytes) => ({
      keys: Math.min(count, Math.floor(MOST_DATA_BYTES / (KEY_BYTES + bytes))),
      valueBytes: bytes,
    })),
  );
  return [...new Map(all.map((each) => [`${each.keys} ${each.valueBytes}`, each])).values()];
}

/**
 * Measures everything. The engines take turns work by work, each in a process
 * of its own and in another order each round, so that what slows the machine
 * down slows all of them.
 */
export async function measure(settings: RunSettings): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const configuration of settings.configurations) {
    for (let round = 0; round < settings.rounds; round += 1) {
      for (const { group, works } of selectedGroups(settings.works)) {
        settings.onProgress(`${describe(configuration)}, round ${round + 1}, ${group.name}`);
        measurements.push(...(await measureGroup({ configuration, round, group, works }, settings)));
      }
    }
  }
  return measurements;
}

interface Turn {
  readonly configuration: Configuration;
  readonly round: number;
  readonly group: Group;
  readonly works: readonly Work[];
}

/** The groups with a selected work, and those whose stores they take over; the first work always runs. */
function selectedGroups(names: readonly string[]): Array<Pick<Turn, "group" | "works">> {
  const isWanted = (group: Group | undefined): boolean =>
    group?.works.some(({ name }) => names.includes(name)) === true;
  return GROUPS.filter((group, index) => {
    const next = GROUPS[index + 1];
    return isWanted(group) || (next?.reopens === true && isWanted(next));
  }).map((group) => ({
    group,
    works: group.works.filter(({ name }, index) => index === 0 || names.includes(name)),
  }));
}

async function measureGroup(turn: Turn, settings: RunSettings): Promise<Measurement[]> {
  const { round, group, works } = turn;
  const kinds = ENGINES.filter(({ name }) => settings.engines.includes(name));
  const taking = kinds.filter(({ persistent }) => persistent || group.reopens !== true);
  const workers: WorkerProcess[] = [];
  const measurements: Measurement[] = [];
  try {
    for (const kind of rotated(taking, round)) workers.push(await startWorker(kind, turn, settings));
    for (const { name } of works) {
      for (const worker of workers) {
        const done = await worker.run(name);
        if (done === undefined) continue;
        const { outcome, memory } = done;
        measurements.push({
          ...turn.configuration,
          work: name,
          engine: worker.engine,
          round,
          ...outcome,
          memory,
        });
      }
    }
    for (const worker of workers) await worker.close();
  } finally {
    await Promise.all(workers.map(async (worker) => worker.kill()));
  }
  return measurements;
}

async function startWorker(kind: EngineKind, turn: Turn, settings: RunSettings): Promise<WorkerProcess> {
  const { group, configuration } = turn;
  const directory = join(settings.scratch, kind.name);
  if (group.reopens !== true) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
  }
  const workerSettings = {
    ...configuration,
    engine: kind.name,
    directory,
    durability: group.durability,
    compactsItself: group.compactsItself !== false,
    seconds: settings.seconds,
    reopens: group.reopens === true,
  };
  const worker = new WorkerProcess(workerSettings, settings.profiles);
  await worker.ready();
  return worker;
}

/** As people say it. */
export function describe({ keys, valueBytes }: Configuration): string {
  return `${keys.toLocaleString("en")} keys, values of ${valueBytes.toLocaleString("en")} bytes`;
}
