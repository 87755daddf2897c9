import type { Memory } from "./memory.ts";
import type { Configuration, Measurement } from "./runner.ts";

/** The engine that all ratios are to. */
export const YARDSTICK = "Map";

/** All rounds of one work by one engine. */
export interface Summary {
  readonly keys: number;
  readonly valueBytes: number;
  readonly work: string;
  readonly engine: string;
  readonly rounds: number;
  /** Nanoseconds an operation: the median over the rounds, and the best and the worst of them. */
  readonly median: number;
  readonly best: number;
  readonly worst: number;
  /** Speed as a part of the yardstick's: the median of the ratios, round by round. */
  readonly ratio?: number;
  readonly memory: Memory;
}

/** One summary for each work and engine, in the order of the measurements. */
export function summarize(measurements: readonly Measurement[]): Summary[] {
  const groups = Map.groupBy(measurements, keyOf);
  return [...groups.values()].map((rounds) => summaryOf(rounds, measurements));
}

function summaryOf(rounds: readonly Measurement[], all: readonly Measurement[]): Summary {
  const [first] = rounds;
  const last = rounds.at(-1);
  if (first === undefined || last === undefined) throw new Error("There is nothing to summarize");
  const { keys, valueBytes, work, engine } = first;
  const times = rounds.map(timeOf);
  const yardsticks = all.filter(
    (other) => keyOf({ ...other, engine }) === keyOf(first) && other.engine === YARDSTICK,
  );
  const ratios = rounds.flatMap((measurement) => {
    const yardstick = yardsticks.find(({ round }) => round === measurement.round);
    return yardstick === undefined ? [] : [timeOf(yardstick) / timeOf(measurement)];
  });
  return {
    keys,
    valueBytes,
    work,
    engine,
    rounds: rounds.length,
    median: median(times),
    best: Math.min(...times),
    worst: Math.max(...times),
    ...(ratios.length === 0 ? {} : { ratio: median(ratios) }),
    memory: last.memory,
  };
}

function keyOf({
  keys,
  valueBytes,
  work,
  engine,
}: Omit<Measurement, "round" | "operations" | "nanoseconds" | "memory">): string {
  return `${keys} ${valueBytes} ${work} ${engine}`;
}

/** Nanoseconds an operation. */
function timeOf({ nanoseconds, operations }: Measurement): number {
  return nanoseconds / operations;
}

/** Whether a summary is of that configuration. */
export function isOf(configuration: Configuration): (summary: Configuration) => boolean {
  return ({ keys, valueBytes }) => keys === configuration.keys && valueBytes === configuration.valueBytes;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)] ?? Number.NaN;
  const high = sorted[Math.ceil(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

/** The same in another order: who is first in a round is a little slower, so it is another each time. */
export function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
