import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { Sandbox, failed, printed } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

describe("incr", () => {
  test("counts from 0 and prints the new number", () => {
    expect(sandbox.kvs(["incr", "n"])).toEqual(printed("1\n"));
    expect(sandbox.kvs(["incr", "n", "41"])).toEqual(printed("42\n"));
    expect(sandbox.kvs(["incr", "n", "-50"])).toEqual(printed("-8\n"));
    expect(sandbox.kvs(["incr", "n", "+1"])).toEqual(printed("-7\n"));
    expect(sandbox.kvs(["get", "n"])).toEqual(printed("-7"));
  });

  test("leaves a value alone that is no number, or would leave the range", () => {
    for (const value of ["abc", "1.5", "", "1 ", "9007199254740992"]) {
      sandbox.bytes(["set", "n", "--", value]);
      const { exitCode, stdout, stderr } = sandbox.kvs(["incr", "n"]);
      expect({ value, exitCode, stdout }).toEqual({ value, exitCode: 1, stdout: "" });
      expect(stderr).toMatch(/^kvs: .+\n$/);
      expect(sandbox.kvs(["get", "n"]).stdout).toBe(value);
    }
    sandbox.bytes(["set", "n", "9007199254740991"]);
    expect(sandbox.kvs(["incr", "n"]).exitCode).toBe(1);
    expect(sandbox.kvs(["get", "n"]).stdout).toBe("9007199254740991");
    expect(sandbox.kvs(["incr", "n", "9007199254740992"])).toEqual(
      failed(1, "Cannot add 9007199254740992: it is past 2^53-1"),
    );
  });

  test.each(["x", "1.5", "", "1e3", "0x10", "-1.5"])("refuses to add %j", (by) => {
    const { exitCode, stderr } = sandbox.kvs(["incr", "n", by]);
    expect(exitCode).toBe(2);
    expect(stderr).toStartWith(`kvs: BY is "${by}", expected a decimal integer\nUsage: kvs incr KEY [BY]`);
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
  });

  test("loses no count when several run at once", () => {
    const { stdout } = sandbox.bash(
      "for i in 1 2 3 4; do (for j in 1 2 3 4 5; do kvs incr n >/dev/null --durability os; done) & done; wait; kvs get n",
    );
    expect(stdout).toBe("20");
  });
});

describe("ttl, expire and persist", () => {
  test("say that a key never expires, or how many milliseconds are left", () => {
    sandbox.bytes(["set", "k", "v"]);
    expect(sandbox.kvs(["ttl", "k"])).toEqual(printed("-\n"));
    sandbox.bytes(["set", "k", "v", "--ttl", "10m"]);
    const left = Number(sandbox.bytes(["ttl", "k"]).toString());
    expect(left).toBeLessThanOrEqual(600_000);
    expect(left).toBeGreaterThan(0);
  });

  test("change when a key expires", () => {
    sandbox.bytes(["set", "k", "v"]);
    expect(sandbox.kvs(["expire", "k", "2h"])).toEqual(printed(""));
    expect(sandbox.kvs(["ttl", "k"]).stdout).toMatch(/^\d+\n$/);
    expect(sandbox.kvs(["persist", "k"])).toEqual(printed(""));
    expect(sandbox.kvs(["persist", "k"])).toEqual(printed(""));
    expect(sandbox.kvs(["ttl", "k"])).toEqual(printed("-\n"));
  });

  test("exit 1 for a missing key, and create no store", () => {
    for (const args of [
      ["ttl", "k"],
      ["expire", "k", "1s"],
      ["persist", "k"],
    ]) {
      expect(sandbox.kvs(args)).toEqual(failed(1, "Key not found"));
    }
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
    sandbox.bytes(["set", "other", "v"]);
    for (const args of [
      ["ttl", "k"],
      ["expire", "k", "1s"],
      ["persist", "k"],
    ]) {
      expect(sandbox.kvs(args)).toEqual(failed(1, "Key not found"));
    }
  });

  test("an expired key is gone", () => {
    sandbox.bytes(["set", "k", "v", "--ttl", "1ms"]);
    Bun.sleepSync(5);
    expect(sandbox.kvs(["get", "k"])).toEqual(failed(1, "Key not found"));
    expect(sandbox.kvs(["exists", "k"]).exitCode).toBe(1);
    expect(sandbox.kvs(["count"])).toEqual(printed("0\n"));
    expect(sandbox.kvs(["rm", "k"])).toEqual(failed(1, "Key not found"));
  });

  test("survives incr and append, and is cleared by set", () => {
    sandbox.bytes(["set", "n", "1", "--ttl", "1h"]);
    sandbox.bytes(["incr", "n"]);
    sandbox.bytes(["append", "n", "0"]);
    expect(sandbox.kvs(["ttl", "n"]).stdout).toMatch(/^\d+\n$/);
    expect(sandbox.kvs(["get", "n"])).toEqual(printed("20"));
    sandbox.bytes(["set", "n", "1"]);
    expect(sandbox.kvs(["ttl", "n"])).toEqual(printed("-\n"));
  });

  test.each([
    [["expire", "k"], "Missing DURATION"],
    [["expire", "k", "1x"], 'DURATION is "1x", expected a duration such as 500ms, 10s, 5m, 2h or 7d'],
    [["expire", "k", "0s"], 'DURATION is "0s", expected a longer duration'],
    [["ttl"], "Missing KEY, or --key-hex"],
    [["ttl", "k", "x"], 'Unexpected argument "x"'],
    [["persist", "k", "--nope"], 'Unknown flag "--nope"'],
  ])("refuse %j", (args, message) => {
    const { exitCode, stderr } = sandbox.kvs(args);
    expect(exitCode).toBe(2);
    expect(stderr).toStartWith(`kvs: ${message}\nUsage: kvs ${args[0]} `);
  });

  test("take a key as hexadecimal digits", () => {
    sandbox.bytes(["set", "--key-hex", "ff", "v"]);
    expect(sandbox.kvs(["expire", "--key-hex", "ff", "1h"])).toEqual(printed(""));
    expect(sandbox.kvs(["ttl", "--key-hex", "ff"]).stdout).toMatch(/^\d+\n$/);
    expect(sandbox.kvs(["persist", "--key-hex", "ff"])).toEqual(printed(""));
    expect(sandbox.kvs(["ttl", "--key-hex", "ff"])).toEqual(printed("-\n"));
  });
});
