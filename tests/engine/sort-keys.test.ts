import { expect, test } from "bun:test";
import { TextKeyReader } from "../../src/engine/key-reader.ts";
import { sortEntries } from "../../src/engine/sort-keys.ts";
import { encodeKey, type EncodedKey } from "../../src/format/key.ts";
import { seededRandom } from "../support/random.ts";

const seed = 20261123;

test(`keys are sorted bytewise, equal ones in their order (seed ${seed})`, () => {
  const random = seededRandom(seed);
  for (let round = 0; round < 300; round += 1) {
    const prefix = "p".repeat(random.below(8));
    const alphabet = 1 + random.below(4);
    const keys = Array.from({ length: random.below(120) }, () => {
      const bytes = Array.from(
        { length: random.below(14) },
        () => [0, 1, 0x61, 0xff][random.below(alphabet)] ?? 0,
      );
      return encodeKey(Buffer.concat([Buffer.from(prefix), Buffer.from(bytes)]));
    });
    const expected = keys
      .map((key, number) => ({ key, number }))
      .toSorted((a, b) => (a.key === b.key ? a.number - b.number : a.key < b.key ? -1 : 1))
      .map(({ number }) => number);
    expect(sorted(keys)).toEqual(expected);
  }
});

test(`many keys of digits are sorted, those that go on beyond what is packed as well (seed ${seed})`, () => {
  const random = seededRandom(seed);
  for (const most of [6, 12, 20, 40]) {
    const keys = Array.from({ length: 3000 }, () => {
      const digits = Array.from({ length: 1 + random.below(most) }, () => random.below(random.below(10) + 1));
      return encodeKey(`number/${digits.join("")}`);
    });
    const numbers = [...keys.keys()];
    const textOf = (number: number): string => keys[number] ?? "";
    const expected = numbers.toSorted((a, b) =>
      textOf(a) === textOf(b) ? a - b : textOf(a) < textOf(b) ? -1 : 1,
    );
    expect(sorted(keys)).toEqual(expected);
  }
});

function sorted(keys: readonly EncodedKey[]): number[] {
  const reader = new TextKeyReader(0, (position) => keys[position] ?? encodeKey(""));
  const places = { positionOf: (entry: number) => entry, lengthOf: () => 1 };
  return [...sortEntries(reader, places, 0, keys.length)];
}
