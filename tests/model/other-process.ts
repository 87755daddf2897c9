import { LOCK_NAME, COMPACT_NAME, parseIndexName } from "../../src/disk/file-names.ts";
import { mergeGenerations, removeLeftovers } from "../../src/engine/compaction.ts";
import { tryCompactionLock, unlockCompaction } from "../../src/engine/compaction-lock.ts";
import { Generations } from "../../src/engine/generations.ts";
import { HintReader } from "../../src/engine/hint-reader.ts";
import type { Log } from "../../src/engine/log.ts";
import { maintain as maintainSteps } from "../../src/engine/maintenance.ts";
import { runToEnd } from "../../src/engine/slices.ts";
import { WriteLock } from "../../src/engine/write-lock.ts";
import { Writer } from "../../src/engine/writer.ts";
import { Death, type Decide } from "../support/simulated-disk/call.ts";
import type { SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";

export const STORE = "/disk/store";

/** Neighbouring sealed generations, by their places from the oldest on, both inclusive. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

interface Parts {
  readonly process: SimulatedProcess;
  readonly generations: Generations;
  readonly writer: Writer;
  readonly context: Parameters<typeof mergeGenerations>[0];
}

/** Seals the newest log and starts the next; `dies` between the two leaves a seal without a successor. */
export function rotate(machine: SimulatedMachine, { dies }: { readonly dies: boolean }): void {
  const decide: Decide = ({ method, path }) =>
    dies && method === "create" && path.endsWith(".log.tmp") ? { error: new Death(method) } : undefined;
  inProcess(machine, decide, ({ writer }) => {
    writer.begin();
    writer.rotate();
    writer.release();
  });
}

/** Dies right after a merge was published, and leaves its inputs beside it. */
export function dyingOncePublished(): Decide {
  let isPublished = false;
  return ({ method, path }) => {
    const dies = isPublished;
    isPublished ||= method === "rename" && path.endsWith(".log") && path.includes("-");
    return dies ? { error: new Death(method) } : undefined;
  };
}

/** Merges a range of generations that is there, in a process that others may interrupt or kill at any call. */
export function compact(machine: SimulatedMachine, { from, to }: Range, decide?: Decide): void {
  inProcess(machine, decide, ({ process, generations, context }) => {
    const lock = tryCompactionLock(process, STORE);
    if (lock === undefined) throw new Error("Somebody else compacts");
    try {
      removeLeftovers(context);
      const inputs = generations.logs.slice(from, to + 1);
      if (runToEnd(mergeGenerations(context, inputs)) === undefined)
        throw new Error("The merge was given up");
    } finally {
      unlockCompaction(lock);
    }
  });
}

/** Makes the indexes that are missing, and merges all that has anything stale, as a process does in the background. */
export function maintain(machine: SimulatedMachine, decide?: Decide): void {
  inProcess(machine, decide, ({ context }) => {
    const rules = { compactionThreshold: 0, compactionRatio: 0 };
    runToEnd(maintainSteps(context, rules, { maxBytes: Number.POSITIVE_INFINITY }));
  });
}

/** All ranges that could be merged. */
export function rangesOf(machine: SimulatedMachine): readonly Range[] {
  const { sealed, oldest, newest } = whatIsThere(machine);
  // A directory that nobody has written to is none of ours.
  if (newest === "original") return [];
  // Logs of the original kvs have gaps between them: the first merge is one of all of them.
  if (oldest === "original") return sealed > 0 ? [{ from: 0, to: sealed - 1 }] : [];
  const ranges: Range[] = [];
  for (let from = 0; from < sealed; from += 1) {
    for (let to = from + 1; to < sealed; to += 1) ranges.push({ from, to });
  }
  return ranges;
}

function whatIsThere(machine: SimulatedMachine): { sealed: number; oldest: string; newest: string } {
  let answer = { sealed: 0, oldest: "", newest: "" };
  inProcess(machine, undefined, ({ generations: { logs } }) => {
    const whose = (log: Log | undefined): string => (log?.isForeign === true ? "original" : "ours");
    answer = { sealed: logs.length - 1, oldest: whose(logs[0]), newest: whose(logs.at(-1)) };
  });
  return answer;
}

/** Takes away all that follows from the logs. */
export function removeDerived(machine: SimulatedMachine): void {
  const process = new SimulatedProcess(machine);
  for (const name of process.list(STORE) ?? []) {
    const isDerived = name === LOCK_NAME || name === COMPACT_NAME || parseIndexName(name) !== undefined;
    if (isDerived) process.unlink(`${STORE}/${name}`);
  }
}

/** Does something in a process of its own, with the parts of the engine that a maintenance has; it may die. */
function inProcess(
  machine: SimulatedMachine,
  decide: Decide | undefined,
  work: (parts: Parts) => void,
): void {
  const process = new SimulatedProcess(machine, decide);
  const hints = new HintReader(process, STORE, { map: false });
  const generations = new Generations(process, STORE, hints, { map: false, tailBytes: 4096 });
  const lock = new WriteLock(process, STORE, 0, (file) => generations.forgetLock(file));
  const shared = { disk: process, directory: STORE, generations, lock, bloomBitsPerKey: 10, mmap: false };
  const writer = new Writer(shared, {
    durability: "sync",
    format: "binary",
    generationBytes: Number.POSITIVE_INFINITY,
  });
  try {
    generations.reload();
    work({ process, generations, writer, context: { ...shared, writer } });
    writer.close("os");
    generations.close();
    hints.close();
    if (process.openFiles > 0) throw new Error(`A process left ${process.openFiles} files open`);
  } catch (error) {
    if (!process.dead) throw error;
  } finally {
    process.kill();
  }
}
