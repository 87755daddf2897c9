import { describe, expect, test } from "bun:test";
import { endTick } from "../support/scripted-run.ts";
import { inSimulatedTime } from "../support/simulated-time.ts";
import { type Action, CHANGES, LET_EXPIRE, ROTATE } from "./actions.ts";
import { compact } from "./other-process.ts";
import { situationAt } from "./starts.ts";
import { World } from "./world.ts";

const COMPACT_ALL_BUT_THE_OLDEST: Action = {
  name: "compact 1 to 2",
  run: ({ machine }) => compact(machine, { from: 1, to: 2 }),
};

function changeOf(name: string): Action {
  const change = CHANGES.find((one) => one.name === name);
  if (change === undefined) throw new Error(`There is no change "${name}"`);
  return change;
}

/** Runs a history from a store whose keys have values in a sealed log; after every step each handle says what it must. */
async function run(...actions: readonly Action[]): Promise<void> {
  await inSimulatedTime(1, async (time) => {
    const world = new World(time, situationAt("sealed", time.now), "binary");
    for (const action of actions) {
      action.run(world, "later");
      await endTick();
      world.check();
      world.checkFiles();
    }
    world.end();
  });
}

describe("a merge above the bottom", () => {
  test("dropped a removal, and the value that it hid came back (invariant 5)", async () => {
    const history = run(changeOf("remove a"), ROTATE, changeOf("set b"), ROTATE, COMPACT_ALL_BUT_THE_OLDEST);
    expect(await history.catch(String)).toBeUndefined();
  });

  test("dropped what had expired, and the value that it hid came back (invariant 5)", async () => {
    const history = run(
      changeOf("set a"),
      changeOf("expire a"),
      ROTATE,
      changeOf("set b"),
      ROTATE,
      LET_EXPIRE,
      COMPACT_ALL_BUT_THE_OLDEST,
    );
    expect(await history.catch(String)).toBeUndefined();
  });
});
