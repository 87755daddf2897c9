import { describe, expect, test } from "bun:test";
import { draw, KEY_BYTES, missingKey, permutation, presentKey } from "./keys.ts";
import { configurationsOf, type Measurement } from "./runner.ts";
import { median, rotated, summarize } from "./statistics.ts";
import { renderBarChart } from "./svg.ts";
import { valuesOf } from "./values.ts";

describe("keys", () => {
  test("have 15 bytes, stand in the order of their indexes, and missing ones lie between them", () => {
    const keys = [0, 1, 999, 10_000_000].flatMap((index) => [presentKey(index), missingKey(index)]);
    expect(keys.map((key) => key.length)).toEqual(keys.map(() => KEY_BYTES));
    expect(keys.toSorted()).toEqual(keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test.each([1, 2, 3, 100, 1000, 1024, 100_003])("a permutation of %i meets every index once", (count) => {
    const shuffled = permutation(count);
    const found = Array.from({ length: count }, (_, index) => shuffled(index));
    expect(found.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
  });

  test("draws are the same every time, and none is out of range", () => {
    for (const distribution of ["uniform", "zipf"] as const) {
      const draws = draw(distribution, 1000, 5000);
      expect(draws).toEqual(draw(distribution, 1000, 5000));
      expect(Math.max(...draws)).toBeLessThan(1000);
    }
  });

  test("skewed draws take a tenth of the keys three times out of four and more, uniform ones one in ten", () => {
    expect(shareOfTopTenth(draw("zipf", 10_000, 100_000))).toBeGreaterThan(0.7);
    expect(shareOfTopTenth(draw("uniform", 10_000, 100_000))).toBeLessThan(0.2);
  });
});

function shareOfTopTenth(draws: Uint32Array): number {
  const counts = new Map<number, number>();
  for (const index of draws) counts.set(index, (counts.get(index) ?? 0) + 1);
  const top = [...counts.values()].toSorted((a, b) => b - a).slice(0, 1000);
  return top.reduce((sum, count) => sum + count, 0) / draws.length;
}

test.each([16, 100, 1024, 65_536])(
  "values of %i bytes are that long, and a key's next one differs",
  (bytes) => {
    const values = valuesOf(bytes);
    for (const index of [0, 1, 12_345, 9_999_999]) {
      expect(Buffer.byteLength(values(index, 0))).toBe(bytes);
      expect(values(index, 0)).toBe(values(index, 0));
      expect(values(index, 1)).not.toBe(values(index, 0));
    }
  },
);

describe("statistics", () => {
  function measured(engine: string, round: number, nanoseconds: number): Measurement {
    const memory = { heapBytes: round };
    return { keys: 10, valueBytes: 16, work: "get", engine, round, operations: 10, nanoseconds, memory };
  }

  test("a median lies in the middle of the sorted values", () => {
    expect(median([10, 9, 100])).toBe(10);
    expect(median([4, 1])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test("a ratio is the median of the rounds' ratios, not the ratio of the medians", () => {
    const rounds = [
      [100, 200],
      [300, 300],
      [1000, 4000],
    ] as const;
    const measurements = rounds.flatMap(([map, kvs], round) => [
      measured("kvs", round, kvs),
      measured("Map", round, map),
    ]);
    const [kvs, map] = summarize(measurements);
    expect(kvs).toMatchObject({ engine: "kvs", rounds: 3, median: 30, best: 20, worst: 400, ratio: 0.5 });
    expect(kvs?.memory.heapBytes).toBe(2);
    expect(map).toMatchObject({ engine: "Map", median: 30, ratio: 1 });
  });

  test("without a Map there is no ratio", () => {
    expect(summarize([measured("kvs", 0, 10)])[0]?.ratio).toBeUndefined();
  });

  test("each round begins with another one", () => {
    expect([0, 1, 2, 3].map((by) => rotated(["a", "b", "c"], by).join(""))).toEqual([
      "abc",
      "bca",
      "cab",
      "abc",
    ]);
    expect(rotated([], 5)).toEqual([]);
  });
});

test("no configuration has more than 1.2 GB of data, and none is measured twice", () => {
  expect(configurationsOf([100_000, 1_000_000], [16, 65_536])).toEqual([
    { keys: 100_000, valueBytes: 16 },
    { keys: 18_306, valueBytes: 65_536 },
    { keys: 1_000_000, valueBytes: 16 },
  ]);
});

test("a chart draws a bar for each value and escapes what it writes", () => {
  const svg = renderBarChart({
    title: "a < b & c",
    note: "",
    series: ["one", "two"],
    groups: [
      {
        label: "work",
        bars: [
          { series: "one", share: 1, text: "2 /s" },
          { series: "two", share: 0.5, text: "1 /s" },
        ],
        band: { from: 0.1, to: 0.2 },
      },
    ],
  });
  expect(svg).toStartWith('<svg xmlns="http://www.w3.org/2000/svg" ');
  expect(svg).toContain("a &lt; b &amp; c");
  expect(svg.match(/<rect [^>]*width="520"/g)).toHaveLength(1);
  expect(svg.match(/<rect [^>]*width="260"/g)).toHaveLength(1);
});
