import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { snapshotOf } from "../support/damage.ts";
import { copyOriginal } from "../support/rust-original.ts";
import { printed, Sandbox } from "./run-kvs.ts";

/** Tests that need permission to be refused run as this user where we are root. */
const NOBODY = 65_534;
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: NOBODY } : {};

describe("in a directory of the original kvs", () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
    copyOriginal(sandbox.path("kvs_logs"));
  });
  afterEach(() => {
    chmodSync(sandbox.path("kvs_logs"), 0o700);
    sandbox[Symbol.dispose]();
  });

  function names(): string[] {
    return readdirSync(sandbox.path("kvs_logs")).toSorted();
  }

  test("commands that only read answer, also without permission to write, and change nothing", () => {
    chmodSync(sandbox.path("kvs_logs"), 0o555);
    for (const name of names()) chmodSync(sandbox.path(`kvs_logs/${name}`), 0o444);
    chmodSync(sandbox.directory, 0o755);
    const before = snapshotOf(sandbox.path("kvs_logs"));
    expect(sandbox.kvs(["get", "key2"], UNPRIVILEGED)).toEqual(printed("newer"));
    expect(sandbox.kvs(["get", "ключ 😀"], UNPRIVILEGED)).toEqual(printed("値\u2028"));
    expect(sandbox.kvs(["get", "key1"], UNPRIVILEGED)).toMatchObject({ exitCode: 1, stdout: "" });
    expect(sandbox.kvs(["exists", "key3"], UNPRIVILEGED)).toEqual(printed(""));
    expect(sandbox.kvs(["exists", "torn"], UNPRIVILEGED)).toMatchObject({ exitCode: 1 });
    expect(sandbox.kvs(["ttl", "key3"], UNPRIVILEGED)).toEqual(printed("-\n"));
    expect(sandbox.kvs(["count"], UNPRIVILEGED)).toEqual(printed("6\n"));
    expect(sandbox.kvs(["list", "--prefix", "key"], UNPRIVILEGED)).toEqual(
      printed("key2\tnewer\nkey3\tvalue3\n"),
    );
    expect(sandbox.kvs(["stats"], UNPRIVILEGED).stdout).toMatch(/keys +6\n[^]*4\.log[^]*5\.log[^]*7\.log/);
    expect(sandbox.kvs(["set", "x", "1"], UNPRIVILEGED)).toMatchObject({ exitCode: 3, stdout: "" });
    expect(snapshotOf(sandbox.path("kvs_logs"))).toEqual(before);
  });

  test("set writes to the next log, and compact makes one log of all", () => {
    expect(sandbox.kvs(["set", "x", "1"])).toEqual(printed(""));
    expect(sandbox.kvs(["incr", "n"])).toEqual(printed("1\n"));
    expect(sandbox.kvs(["rm", "braces"])).toEqual(printed(""));
    expect(names()).toEqual(["4.log", "5.log", "7.log", "8.log", "LOCK"]);
    const content = sandbox.bytes(["list", "--json"]);
    expect(sandbox.kvs(["compact"])).toMatchObject({ exitCode: 0, stdout: "" });
    expect(names()).toEqual(["1-8.idx", "1-8.log", "9.log", "COMPACT", "LOCK"]);
    expect(sandbox.bytes(["list", "--json"])).toEqual(content);
    expect(sandbox.kvs(["compact", "--format", "binary"])).toMatchObject({ exitCode: 0 });
    expect(sandbox.bytes(["list", "--json"])).toEqual(content);
    expect(sandbox.kvs(["stats"]).stdout).toContain("(binary)");
  });

  test("--format binary converts at once", () => {
    const content = sandbox.bytes(["list", "--json"]);
    expect(sandbox.kvs(["compact", "--format", "binary"])).toMatchObject({ exitCode: 0, stdout: "" });
    expect(names().filter((name) => /^[457]\.log$/.test(name))).toEqual([]);
    expect(sandbox.bytes(["list", "--json"])).toEqual(content);
    expect(sandbox.kvs(["stats"]).stdout).not.toContain("json");
  });

  test("damage exits 4 and names file and offset", () => {
    writeFileSync(
      sandbox.path("kvs_logs/5.log"),
      '{"Set":{"key":"a","value":"1"}}{"Sit":{}}{"Remove":{"key":"a"}}',
    );
    const { exitCode, stderr } = sandbox.kvs(["get", "key2"]);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('kvs_logs/5.log": what stands there is not a command at offset 31\n');
  });
});
