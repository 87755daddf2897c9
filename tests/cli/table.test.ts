import { describe, expect, test } from "bun:test";
import { ALL_COMMANDS } from "../../src/cli/all-commands.ts";
import { CONDITIONS, type Condition, type Row, type Run, SEED } from "./table/cell.ts";
import { COPIES } from "./table/copies.ts";
import { COUNTERS_AND_EXPIRY } from "./table/counters-and-expiry.ts";
import { Environment, waysOf } from "./table/environment.ts";
import { KEY_COMMANDS } from "./table/key-commands.ts";
import { MANY_RECORDS } from "./table/many-records.ts";
import { TOOLS } from "./table/tools.ts";
import { WHOLE_STORE } from "./table/whole-store.ts";

/*
 * Every command under every condition: the exit code, both outputs to the byte,
 * and what the store holds afterwards.
 */

const TABLE: readonly Row[] = [
  ...KEY_COMMANDS,
  ...COUNTERS_AND_EXPIRY,
  ...MANY_RECORDS,
  ...WHOLE_STORE,
  ...COPIES,
  ...TOOLS,
];

test("The table has a row for every command and nothing else", () => {
  expect(TABLE.map(({ command }) => command).toSorted()).toEqual(
    ALL_COMMANDS.map(({ meta }) => meta.name).toSorted(),
  );
});

test("Every cell holds runs, or a reason why there can be none", () => {
  for (const { command, cells } of TABLE) {
    expect([command, Object.keys(cells)]).toEqual([command, [...CONDITIONS]]);
    for (const cell of Object.values(cells)) {
      expect("because" in cell ? cell.because.length : cell.length).toBeGreaterThan(0);
    }
  }
});

for (const { command, cells } of TABLE) {
  describe(command, () => {
    for (const condition of CONDITIONS) {
      const cell = cells[condition];
      if ("because" in cell) continue;
      const isRefused = condition === "no space" && Bun.which("prlimit") === null;
      test.skipIf(isRefused).each(cell.map((run) => [run.line, run] as const))(`${condition}: %s`, (_, run) =>
        check(condition, run),
      );
    }
  });
}

const CLOSED = { exitCode: 3, stdout: "", stderr: "kvs: Cannot write standard output: it is closed\n" };

function check(condition: Condition, run: Run): void {
  for (const way of waysOf(condition)) {
    using environment = new Environment(condition);
    const before = environment.traces();
    const ended = environment.run(way(run.line));
    // Where nobody can ever have read it, what was to be printed is lost; where somebody has stopped reading, he wants no more.
    if (way("").endsWith(">&-") && run.exitCode === 0 && ended.stderr === CLOSED.stderr)
      expect(ended).toEqual(CLOSED);
    else {
      expect(ended).toEqual({
        exitCode: run.exitCode,
        stdout: environment.fill(run.stdout),
        stderr: environment.fill(run.stderr),
      });
    }
    if (run.exitCode !== 0 && run.content === SEED) expect(environment.traces()).toEqual(before);
    if (condition !== "corrupt store") expect(environment.content()).toEqual(run.content);
  }
}
