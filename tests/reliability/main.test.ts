import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { newStorePath } from "../support/temporary.ts";

const MAIN = resolve(import.meta.dirname, "main.ts");

function reliability(...args: readonly string[]): { code: number; stdout: string; stderr: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, MAIN, ...args]);
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

test("reliability goes on after the seed it tried last, and prints what it tried", () => {
  const state = newStorePath();
  const args = ["--only", "sequences", "--minutes", "0", "--state", state];
  expect(reliability(...args)).toMatchObject({ code: 0, stderr: "" });
  const { stdout } = reliability(...args);
  // Sources with changes that no commit holds begin a new count each time, at the next seed.
  expect(stdout).toMatch(/\n13 +sequences +(2 sequences +0 +0|1 sequences +0 +1) to 1 +\d+ s\n$/);
});

test("reliability counts no seed that was asked for", () => {
  const state = newStorePath();
  const { code, stdout } = reliability("--only", "13", "--seed", "7", "--minutes", "0", "--state", state);
  expect(code).toBe(0);
  expect(stdout).toContain("sequences, from seed 7 on: 1 sequences\n");
  expect(stdout).toMatch(/\n13 +sequences +none yet/);
});

test.each([
  { option: "--only", text: "everything" },
  { option: "--minutes", text: "soon" },
  { option: "--seed", text: "first" },
  { option: "--output", text: "web" },
])("reliability refuses $option $text", ({ option, text }) => {
  const { code, stderr } = reliability(option, text);
  expect(code).toBe(2);
  expect(stderr).toStartWith(`Invalid ${option} "${text}": expected `);
});
