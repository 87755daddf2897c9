import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Disk } from "../../src/disk/disk.ts";
import { KvStore, type OpenOptions } from "../../src/index.ts";
import { fastDisk } from "./hooked-disk.ts";

/** What a store should hold. */
export type Model = ReadonlyMap<string, string>;

type Effect = (model: Map<string, string>) => void;

/** One thing a run does: its frames in their order, each all or nothing. */
export interface Step {
  readonly name: string;
  readonly frames: readonly Effect[];
  readonly run: (store: KvStore) => void | Promise<unknown>;
}

function set(key: string, value: string): Effect {
  return (model) => void model.set(key, value);
}

function remove(...keys: readonly string[]): Effect {
  return (model) => {
    for (const key of keys) model.delete(key);
  };
}

function setting(key: string, value: string): Step {
  return { name: `set ${key}`, frames: [set(key, value)], run: (store) => void store.set(key, value) };
}

const COMPACT: Step = { name: "compact", frames: [], run: (store) => store.compact() };

/** A run that meets every kind of write, rotations, merges, and both formats. */
export const SCRIPT: readonly Step[] = [
  setting("a", "first value of a"),
  {
    name: "three sets in one tick",
    frames: [set("b", "1"), set("c", "long ".repeat(20)), set("d", "1")],
    run: (store) => {
      store.set("b", "1");
      store.set("c", "long ".repeat(20));
      store.set("d", "1");
    },
  },
  { name: "delete", frames: [remove("b")], run: (store) => void store.delete("b") },
  {
    name: "batch",
    frames: [
      (model) => {
        set("e", "1")(model);
        set("f", "1")(model);
        remove("d")(model);
      },
    ],
    run: (store) => store.batch([{ set: ["e", "1"] }, { set: ["f", "1"] }, { remove: "d" }]),
  },
  { name: "increment", frames: [set("n", "5")], run: (store) => void store.increment("n", 5) },
  COMPACT,
  setting("a", "second value of a"),
  {
    name: "append",
    frames: [(model) => void model.set("e", `${model.get("e") ?? ""}2`)],
    run: (store) => store.append("e", "2"),
  },
  { name: "flush", frames: [], run: (store) => store.flush() },
  {
    name: "two sets and an increment in one tick",
    frames: [
      set("g", "1"),
      set("h", "1"),
      (model) => void model.set("n", String(Number(model.get("n") ?? 0) + 1)),
    ],
    run: (store) => {
      store.set("g", "1");
      store.set("h", "1");
      store.increment("n");
    },
  },
  {
    name: "compact to JSON",
    frames: [],
    run: (store) => store.compact({ format: "json" }),
  },
  {
    name: "update",
    frames: [set("u", "updated")],
    run: (store) => void store.update("u", () => "updated"),
  },
  {
    name: "deletePrefix",
    frames: [remove("g")],
    run: (store) => void store.deletePrefix("g"),
  },
  setting("b", "b is back"),
  { name: "take", frames: [remove("h")], run: (store) => void store.take("h") },
  {
    name: "compact to binary",
    frames: [],
    run: (store) => store.compact({ format: "binary" }),
  },
  setting("z", "last"),
];

/** What may be there when a step was cut short: nothing of it, or some of its frames in their order. */
export function outcomes(before: Model, step: Step): Model[] {
  const states: Model[] = [before];
  let state = before;
  for (const frame of step.frames) {
    const next = new Map(state);
    frame(next);
    states.push(next);
    state = next;
  }
  return states;
}

/** The state after a whole step. */
export function after(before: Model, step: Step): Model {
  return outcomes(before, step).at(-1) ?? before;
}

/** Lets the tick end, so that what was written is handed over. */
export async function endTick(): Promise<void> {
  await Promise.resolve();
  await Promise.resolve();
}

export function entriesOf(store: KvStore): [string, string][] {
  return [...store.entries()];
}

export function sorted(model: Model): [string, string][] {
  return [...model].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** Which of several states a store is in, or undefined. */
export function match(
  found: readonly (readonly [string, string])[],
  states: readonly Model[],
): Model | undefined {
  const text = JSON.stringify(found);
  return states.find((state) => JSON.stringify(sorted(state)) === text);
}

/** Opens what a crash or an error has left, and checks that it holds one of the states and goes on working. */
export async function expectRecovers(
  path: string,
  states: readonly Model[],
  options: OpenOptions = {},
  disk: Disk = fastDisk(),
): Promise<Model> {
  let state = states[0] ?? new Map<string, string>();
  const probe = "zz-probe";
  const check = (store: KvStore, where: string, allowed: readonly Model[]): Model => {
    const found = entriesOf(store);
    const matched = match(found, allowed);
    if (matched !== undefined) return matched;
    const wanted = allowed.map((one) => JSON.stringify(sorted(one))).join("\n or ");
    throw new Error(`${where}: found ${JSON.stringify(found)}\nexpected ${wanted}`);
  };
  {
    // A store that was never created has no directory.
    using store = KvStore.openOn(disk, path, options);
    state = check(store, "when reopened", states);
    store.set(probe, "1");
    store.remove(probe);
    check(store, "after a write", [state]);
    await store.compact();
    check(store, "after a compaction", [state]);
    store.set("zz-last", "1");
    store.remove("zz-last");
  }
  {
    using store = KvStore.openOn(disk, path, { ...options, readOnly: true });
    check(store, "when reopened again", [state]);
  }
  rmSync(join(path, "LOCK"));
  using store = KvStore.openOn(disk, path, { ...options, readOnly: true });
  check(store, "without LOCK", [state]);
  return state;
}
