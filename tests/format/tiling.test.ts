import { expect, test } from "bun:test";
import { logName, parseLogName } from "../../src/disk/file-names.ts";
import { tile } from "../../src/engine/tiling.ts";
import type { Interval } from "../../src/format/header.ts";
import { Random } from "./random.ts";

test("logs that follow one another from 1 are a store", () => {
  expect(tiled("")).toEqual({ current: "", superseded: "", problem: undefined });
  expect(tiled("1")).toEqual({ current: "1", superseded: "", problem: undefined });
  expect(tiled("8 1-6 7")).toEqual({ current: "1-6 7 8", superseded: "", problem: undefined });
  expect(tiled("10 9 1-8")).toEqual({ current: "1-8 9 10", superseded: "", problem: undefined });
});

test("a gap is named by what is missing", () => {
  expect(tiled("2").problem).toBe('"1.log" is missing before "2.log"');
  expect(tiled("1 3").problem).toBe('"2.log" is missing before "3.log"');
  expect(tiled("1-2 6-7").problem).toBe('"3-5.log" is missing before "6-7.log"');
});

test("a gap before a foreign log is none, and any other one is", () => {
  const problemOf = (names: string, foreign: readonly number[]): string | undefined =>
    tile(parse(names), ({ last }) => foreign.includes(last)).problem;
  expect(problemOf("4 5 7 8", [4, 5, 7])).toBeUndefined();
  expect(problemOf("4 5 7 9", [4, 5, 7])).toBe('"8.log" is missing before "9.log"');
  expect(problemOf("4 5 7 8", [4, 5])).toBe('"6.log" is missing before "7.log"');
  expect(problemOf("1-8 4 5 7 9", [4, 5, 7])).toBeUndefined();
  expect(problemOf("1-3 3-4", [4])).toBe('"3-4.log" overlaps the log before it');
});

test("logs that overlap, neither inside the other, are named", () => {
  expect(tiled("1-3 2-4").problem).toBe('"2-4.log" overlaps the log before it');
  expect(tiled("1-3 3-4").problem).toBe('"3-4.log" overlaps the log before it');
});

test("a log inside another is superseded by it, wherever it stands there", () => {
  expect(tiled("1 2 3 1-3 4")).toEqual({ current: "1-3 4", superseded: "1 2 3", problem: undefined });
  expect(tiled("1-2 3 1-4 2")).toEqual({ current: "1-4", superseded: "1-2 2 3", problem: undefined });
  expect(tiled("1-99 7 42-43")).toEqual({ current: "1-99", superseded: "7 42-43", problem: undefined });
});

/** What docs/format.md says, word for word, with no thought for speed. */
function model(logs: readonly Interval[]): {
  current: readonly Interval[];
  superseded: readonly Interval[];
  sound: boolean;
} {
  const supersededBy = (log: Interval): boolean =>
    logs.some((other) => other !== log && other.first <= log.first && log.last <= other.last);
  const current = logs.filter((log) => !supersededBy(log)).toSorted((a, b) => a.first - b.first);
  const sound = current.every((log, index) => log.first === (current[index - 1]?.last ?? 0) + 1);
  return { current, superseded: logs.filter(supersededBy), sound };
}

test("every set of intervals from 1 to 5 is judged as the document says", () => {
  const intervals: Interval[] = [];
  for (let first = 1; first <= 5; first += 1)
    for (let last = first; last <= 5; last += 1) intervals.push({ first, last });
  const random = new Random(4);
  let sound = 0;
  for (let set = 0; set < 2 ** intervals.length; set += 1) {
    const logs = intervals.filter((_, index) => (set & (1 << index)) !== 0);
    const shuffled = logs.map((log) => ({ log, at: random.below(1000) })).toSorted((a, b) => a.at - b.at);
    const expected = model(logs);
    const found = tile(shuffled.map(({ log }) => log));
    if ((found.problem === undefined) !== expected.sound)
      throw new Error(`Misjudged: ${render(logs)}: ${found.problem}`);
    if (!expected.sound) continue;
    sound += 1;
    if (render(found.current) !== render(expected.current)) throw new Error(`Wrong logs: ${render(logs)}`);
    if (render(sorted(found.superseded)) !== render(sorted(expected.superseded)))
      throw new Error(`Wrong rest: ${render(logs)}`);
  }
  // Stores that end at n: f(n) = sum over the length k of the last log of f(n - k) * 2^(k(k+1)/2 - 1).
  expect(sound).toBe(1 + 1 + 5 + 41 + 605 + 17_825);
});

function tiled(names: string): { current: string; superseded: string; problem: string | undefined } {
  const { current, superseded, problem } = tile(parse(names));
  return { current: render(current), superseded: render(superseded), problem };
}

function parse(names: string): Interval[] {
  return names.split(" ").flatMap((name) => parseLogName(`${name}.log`) ?? []);
}

function sorted(logs: readonly Interval[]): Interval[] {
  return logs.toSorted((a, b) => a.first - b.first || a.last - b.last);
}

function render(logs: readonly Interval[]): string {
  return logs.map((log) => logName(log).replace(".log", "")).join(" ");
}
