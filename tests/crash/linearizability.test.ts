import { describe, expect, test } from "bun:test";
import { linearizability } from "../reliability/linearizability.ts";
import { expectSound } from "../reliability/quick.ts";
import { isLinearizable, type Operation } from "../support/linearizable.ts";

const MINUTES_MS = 5 * 60_000;

/** `request > reply @ start-end`; without a reply its process died. */
function told(...lines: readonly string[]): Operation[] {
  return lines.map((line) => {
    const [, request = "", reply = "", start, end] = /^(.*?)(?: > (.*?))? @ (\d+)-(\d+)$/.exec(line) ?? [];
    const [name = "", ...operands] = request.split(" ");
    const answer = reply === "" ? undefined : reply.replace(" ", "\t");
    return { name, operands, reply: answer, start: Number(start), end: Number(end) };
  });
}

describe("the judgement over what processes were told", () => {
  test.each([
    ["one after the other", ["set 1 > ok @ 1-2", "get > value 1 @ 3-4", "rm > ok @ 5-6", "get > none @ 7-8"]],
    ["at once, either way", ["set 1 > ok @ 1-6", "get > none @ 2-3", "get > value 1 @ 4-5"]],
    ["a death that had an effect", ["set 1 @ 1-4", "get > none @ 2-3", "get > value 1 @ 5-6"]],
    ["a death that had none", ["set 1 @ 1-2", "get > none @ 3-4"]],
    [
      "conditions",
      ["set 1 --if-absent > ok @ 1-4", "set 2 --if-absent > no @ 2-3", "set 3 --if-equals=1 > ok @ 5-6"],
    ],
    ["counting", ["incr > value 2 @ 1-4", "incr > value 1 @ 2-3", "incr @ 5-6", "incr > value 4 @ 7-8"]],
  ])("believes %s", (_, lines) => {
    expect(isLinearizable(told(...lines))).toBe(true);
  });

  test.each([
    ["an acknowledged write that is lost", ["set 1 > ok @ 1-2", "get > none @ 3-4"]],
    ["a reader that goes back in time", ["set 1 > ok @ 1-8", "get > value 1 @ 2-3", "get > none @ 4-5"]],
    ["an older value", ["set 1 > ok @ 1-2", "set 2 > ok @ 3-4", "get > value 1 @ 5-6"]],
    ["a phantom", ["set 1 > ok @ 1-2", "get > value 2 @ 3-4"]],
    ["a removed value that returns", ["set 1 > ok @ 1-2", "rm > ok @ 3-4", "get > value 1 @ 5-6"]],
    ["a death that had an effect, and then none", ["set 1 @ 1-2", "get > value 1 @ 3-4", "get > none @ 5-6"]],
    ["a death that had its effect later", ["set 1 @ 1-2", "get > none @ 3-4", "get > value 1 @ 5-6"]],
    ["two that are the first", ["set 1 --if-absent > ok @ 1-4", "set 2 --if-absent > ok @ 2-3"]],
    ["a lost increment", ["incr > value 1 @ 1-4", "incr > value 1 @ 2-3"]],
  ])("does not believe %s", (_, lines) => {
    expect(isLinearizable(told(...lines))).toBe(false);
  });
});

test(
  "processes of all kinds are told what a single one could have been told (invariants 2, 3, 5)",
  () => expectSound(linearizability, 2000, { processes: 1 }),
  MINUTES_MS,
);
