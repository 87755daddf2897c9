import { describe, expect, test } from "bun:test";
import { KvStore } from "../../src/index.ts";
import { contentOf } from "../support/damage.ts";
import { endOf, startJob } from "../support/processes.ts";
import { seededRandom } from "../support/random.ts";
import { newStorePath } from "../support/temporary.ts";

const SEED: number = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${SEED}`);

/** What one writer's keys hold after this many of its rounds; must do what `writeUntilKilled` does. */
function stateAfter(rounds: number, name: string, seed: number): string {
  const state = new Map<string, string>();
  for (let round = 0; round < rounds; round += 1) {
    const kind = (round * 7 + seed) % 5;
    const key = `${name}/${round % 17}`;
    if (kind === 0) state.delete(key);
    else if (kind === 1) {
      for (const one of [`${name}/x`, `${name}/y`, key]) state.set(one, String(round));
    } else state.set(key, String(round));
  }
  return JSON.stringify([...state].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function countOf(lines: readonly string[], word: string): number {
  return lines.filter((line) => line.startsWith(word)).length;
}

describe("processes that are killed at random moments (invariants 1 to 5)", () => {
  for (const [writers, generationBytes] of [
    [1, 300],
    [2, 400],
    [3, 1000],
    [4, 300],
  ] as const) {
    test(`keep what was acknowledged, in order and nothing else: ${writers} of them`, async () => {
      const path = newStorePath();
      const random = seededRandom(SEED + writers);
      for (let life = 0; life < 5; life += 1) {
        const names = Array.from({ length: writers }, (_, index) => `life${life}w${index}`);
        const seeds = names.map((_, index) => life + index);
        const children = names.map((name, index) =>
          startJob(["write", path, name, String(seeds[index])], { generationBytes }),
        );
        await Bun.sleep(120 + random.below(250));
        for (const child of children) child.kill("SIGKILL");
        const ended = await Promise.all(children.map((child) => endOf(child)));
        const found = contentOf(path);
        for (const [index, { lines, stderr }] of ended.entries()) {
          const name = names[index] ?? "";
          expect(stderr).toBe("");
          expect(lines.filter((line) => line.startsWith("failed"))).toEqual([]);
          const mine = JSON.stringify(found.filter(([key]) => key.startsWith(`${name}/`)));
          const seed = seeds[index] ?? 0;
          const [least, most] = [countOf(lines, "done"), countOf(lines, "try")];
          expect([stateAfter(least, name, seed), stateAfter(most, name, seed)]).toContain(mine);
        }
        // The next life starts on what this one left.
        using store = KvStore.open(path);
        store.deletePrefix("life");
        expect(store.count()).toBe(0);
        if (life % 2 === 1) await store.compact();
        expect(contentOf(path)).toEqual([]);
      }
    });
  }
});

describe("a process that ends in the middle of a tick", () => {
  for (const how of ["exit", "throw", "update"] as const) {
    test(`has written what it had set: by ${how}`, async () => {
      const path = newStorePath();
      await endOf(startJob([how, path]));
      expect(contentOf(path)).toEqual([["a", "1"]]);
    });
  }
});
