/**
 * One engine in a process of its own: does the works that it is told, one by
 * one, and answers how long each took. Started by `runner.ts`.
 */
import { ENGINES } from "./engines/all.ts";
import type { Durability } from "./engines/engine.ts";
import { memoryInUse, type Memory } from "./memory.ts";
import { valuesOf } from "./values.ts";
import { type Bench, GROUPS, type Outcome } from "./works.ts";

/** What a worker is started with, as JSON in its first argument. */
export interface WorkerSettings {
  readonly engine: string;
  readonly directory: string;
  readonly durability: Durability;
  readonly compactsItself: boolean;
  readonly keys: number;
  readonly valueBytes: number;
  readonly seconds: number;
  /** Leaves the opening to the first work. */
  readonly reopens: boolean;
}

/** A work to do, by name; "close" ends the worker. */
export type Order = { readonly work: string } | { readonly close: true };

export type Answer =
  | { readonly ready: true }
  | { readonly closed: true }
  | { readonly outcome: Outcome; readonly memory: Memory }
  | { readonly skipped: true }
  | { readonly error: string };

if (import.meta.main) await start(JSON.parse(process.argv[2] ?? "") as WorkerSettings);

async function start(settings: WorkerSettings): Promise<void> {
  const kind = ENGINES.find(({ name }) => name === settings.engine);
  if (kind === undefined) throw new Error(`There is no engine "${settings.engine}"`);
  const engine = await kind.create(settings);
  const bench = { ...settings, engine, values: valuesOf(settings.valueBytes) };
  if (!settings.reopens) await engine.open();
  process.on("message", (order: Order) => void obey(order, bench));
  send({ ready: true });
}

function send(answer: Answer): void {
  process.send?.(answer);
}

async function obey(order: Order, bench: Bench): Promise<void> {
  try {
    if ("work" in order) return send(await run(order.work, bench));
    await bench.engine.close();
    send({ closed: true });
    process.disconnect?.();
  } catch (error) {
    send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

async function run(name: string, bench: Bench): Promise<Answer> {
  const work = GROUPS.flatMap(({ works }) => works).find((candidate) => candidate.name === name);
  if (work === undefined) throw new Error(`There is no work "${name}"`);
  if (work.needs?.some((method) => bench.engine[method] === undefined) === true) return { skipped: true };
  // What earlier works left behind is not this one's to clear away.
  Bun.gc(true);
  const outcome = await work.run(bench);
  return { outcome, memory: memoryInUse() };
}
