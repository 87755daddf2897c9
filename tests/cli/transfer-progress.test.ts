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

test("import and export show at a terminal how far they are, and nothing where they are to be quiet", async () => {
  const lines = Array.from({ length: RECORDS }, (_, at) => `{"key":"k${at}","value":"v"}\n`);
  writeFileSync(sandbox.path("in"), lines.join(""));
  expect(await sandbox.atTerminal(["import", "in"])).toMatch(/Importing [█░]+ \d+%/);
  expect(await sandbox.atTerminal(["export", "out"])).toMatch(/Exporting \d+ records/);
  expect(await sandbox.atTerminal(["export", "-q", "out"])).toBe("");
  expect(sandbox.kvs(["export", "out"]).stderr).toBe("");
});

test("work that is done at once shows no bar", async () => {
  writeFileSync(sandbox.path("in"), '{"key":"a","value":"1"}\n');
  expect(await sandbox.atTerminal(["import", "in"])).toBe("");
  expect(await sandbox.atTerminal(["import", "--atomic", "in"])).toBe("");
  expect(await sandbox.atTerminal(["export", "out"])).toBe("");
});
