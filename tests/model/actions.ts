import { compact, dyingOncePublished, type Range, rangesOf, removeDerived, rotate } from "./other-process.ts";
import { KEYS, type World } from "./world.ts";

/** Something that happens to a store. */
export interface Action {
  readonly name: string;
  run(world: World, value: string): void;
}

const TTL_MS = 1000;

/** What a handle writes. */
export const CHANGES: readonly Action[] = KEYS.flatMap((key): Action[] => [
  {
    name: `set ${key}`,
    run: (world, value) =>
      world.change(
        key,
        () => ({ value, expiresAt: 0 }),
        (store) => void store.set(key, value),
      ),
  },
  {
    name: `remove ${key}`,
    run: (world) =>
      world.change(
        key,
        () => undefined,
        (store) => void store.delete(key),
      ),
  },
  {
    name: `expire ${key}`,
    run: (world) =>
      world.change(
        key,
        (old, now) => (old === undefined ? undefined : { ...old, expiresAt: now + TTL_MS }),
        (store) => void store.expire(key, TTL_MS),
      ),
  },
]);

export const LET_EXPIRE: Action = { name: "let it expire", run: (world) => world.wait(TTL_MS) };

export const ROTATE: Action = { name: "rotate", run: ({ machine }) => rotate(machine, { dies: false }) };

export const REOPEN: Action = { name: "reopen", run: (world) => world.reopen() };

const OTHERS: readonly Action[] = [
  LET_EXPIRE,
  ROTATE,
  REOPEN,
  { name: "rotate and die", run: ({ machine }) => rotate(machine, { dies: true }) },
  { name: "cut the power", run: (world) => world.cutPower() },
  { name: "rebuild", run: (world) => world.between(removeDerived) },
];

/** All that can happen next. */
export function actionsAt(world: World): readonly Action[] {
  return [...CHANGES, ...OTHERS, ...rangesOf(world.machine).flatMap(compactionsOf)];
}

function compactionsOf(range: Range): Action[] {
  const places = `${range.from} to ${range.to}`;
  return [
    { name: `compact ${places}`, run: ({ machine }) => compact(machine, range) },
    {
      name: `compact ${places} and die`,
      run: ({ machine }) => compact(machine, range, dyingOncePublished()),
    },
  ];
}
