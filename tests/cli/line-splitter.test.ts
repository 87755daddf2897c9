import { expect, test } from "bun:test";
import { LineSplitter } from "../../src/cli/shell/line-splitter.ts";

/** What comes out of chunks: the lines, null for one that is too long, and whether a line is left unfinished. */
function linesOf(
  chunks: readonly string[],
  longest: number,
): [lines: Array<string | null>, unfinished: boolean] {
  const splitter = new LineSplitter(longest);
  const lines: Array<string | null> = [];
  for (const chunk of chunks) {
    splitter.push(Buffer.from(chunk));
    for (let line; (line = splitter.next()) !== undefined;)
      lines.push(line === null ? null : line.toString());
  }
  return [lines, splitter.isUnfinished];
}

test("Lines are the same however they are cut into chunks", () => {
  const text = "one\n\nthree, longer\nx\nunfinished";
  for (let size = 1; size <= text.length; size++) {
    const chunks = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
    expect(linesOf(chunks, 100)).toEqual([["one", "", "three, longer", "x"], true]);
  }
  expect(linesOf(["a\n", "", "b\n"], 100)).toEqual([["a", "b"], false]);
});

test("A line that is too long is dropped while it comes, and those after it are kept", () => {
  const text = "12345\n123456\n1234567890123456\n12\n";
  for (let size = 1; size <= text.length; size++) {
    const chunks = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
    expect(linesOf(chunks, 5)).toEqual([["12345", null, null, "12"], false]);
  }
  expect(linesOf(["1234567"], 5)).toEqual([[], true]);
});
