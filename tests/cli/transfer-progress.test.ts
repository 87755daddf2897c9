import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { Sandbox } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

/** More than half a second's work on any machine. */
const RECORDS = 1_500_000;

/** How a bar ends. */
const TAKEN_AWAY = "\r\x1b[K";

test("import and export show at a terminal how far they are, and nothing where they are to be quiet", async () => {
  const lines = Array.from({ length: RECORDS }, (_, at) => `{"key":"k${at}","value":"v"}\n`);
  writeFileSync(sandbox.path("in"), lines.join(""));
  expect(await sandbox.atTerminal(["import", "in"])).toMatch(/Importing [█░]+ \d+%/);
  const exporting = await sandbox.atTerminal(["export", "out"]);
  expect(exporting).toMatch(/Exporting \d+ records/);
  expect(exporting).toEndWith(TAKEN_AWAY);
  for (const [command, bar] of [
    [["export", "out"], "Exporting"],
    [["import", "in"], "Importing"],
    [["compact"], "Compacting"],
  ] as const) {
    const stopped = await sandbox.atTerminal(command, { prompt: bar, answer: "\x03" });
    expect([command, stopped.endsWith(TAKEN_AWAY)]).toEqual([command, true]);
  }
  expect(await sandbox.atTerminal(["export", "-q", "out"])).toBe("");
  expect(sandbox.kvs(["export", "out"]).stderr).toBe("");
}, 120_000);

test("work that is done at once shows no bar", async () => {
  writeFileSync(sandbox.path("in"), '{"key":"a","value":"1"}\n');
  expect(await sandbox.atTerminal(["import", "in"])).toBe("");
  expect(await sandbox.atTerminal(["import", "--atomic", "in"])).toBe("");
  expect(await sandbox.atTerminal(["export", "out"])).toBe("");
});
