import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { Sandbox, failed, printed } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

describe("rm", () => {
  test("removes a key and prints nothing", () => {
    sandbox.bytes(["set", "k", "v"]);
    expect(sandbox.kvs(["rm", "k"])).toEqual(printed(""));
    expect(sandbox.kvs(["get", "k"])).toEqual(failed(1, "Key not found"));
  });

  test("exits 1 for a missing key, unless told that this is fine", () => {
    expect(sandbox.kvs(["rm", "k"])).toEqual(failed(1, "Key not found"));
    expect(sandbox.kvs(["rm", "k", "--if-exists"])).toEqual(printed(""));
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
    sandbox.bytes(["set", "other", "v"]);
    expect(sandbox.kvs(["rm", "k"])).toEqual(failed(1, "Key not found"));
    expect(sandbox.kvs(["rm", "k", "--if-exists"])).toEqual(printed(""));
  });

  test("--if-equals removes only the value it names", () => {
    sandbox.bytes(["set", "lock", "mine"]);
    expect(sandbox.kvs(["rm", "lock", "--if-equals", "yours"])).toEqual(failed(1, "Value is another one"));
    expect(sandbox.kvs(["rm", "lock", "--if-equals", "yours", "--if-exists"])).toEqual(
      failed(1, "Value is another one"),
    );
    expect(sandbox.kvs(["get", "lock"])).toEqual(printed("mine"));
    expect(sandbox.kvs(["rm", "lock", "--if-equals", "mine"])).toEqual(printed(""));
    expect(sandbox.kvs(["rm", "lock", "--if-equals", "mine"])).toEqual(failed(1, "Key not found"));
    expect(sandbox.kvs(["rm", "lock", "--if-equals", "mine", "--if-exists"])).toEqual(printed(""));
  });

  test("--print takes a value out, byte for byte", () => {
    const bytes = Buffer.from([0, 0xff, 0x0a, 0x80]);
    sandbox.bytes(["set", "k", "-"], { stdin: bytes });
    expect(sandbox.bytes(["rm", "k", "--print"])).toEqual(bytes);
    expect(sandbox.kvs(["rm", "k", "--print"])).toEqual(failed(1, "Key not found"));
    sandbox.bytes(["set", "k", "v"]);
    expect(sandbox.kvs(["rm", "k", "--print", "--if-equals", "v"])).toEqual(printed("v"));
  });

  test.each([
    [[], "Missing KEY, or --key-hex, or --prefix"],
    [["k", "l"], 'Unexpected argument "l"'],
    [["k", "--prefix", "p"], 'Unexpected argument "k": --prefix stands for KEY'],
    [["--key-hex", "00", "--prefix", "p"], "--key-hex and --prefix exclude each other"],
    [["k", "--yes"], "--yes needs --prefix"],
    [["k", "--dry-run"], "--dry-run needs --prefix"],
    [["--prefix", "p", "--print", "--yes"], "--prefix and --print exclude each other"],
    [["--prefix", "p", "--dry-run", "--yes"], "--dry-run and --yes exclude each other"],
    [["--prefix", "p"], "rm --prefix removes many keys: say --yes, or see them with --dry-run"],
  ])("refuses %j", (args, message) => {
    const { exitCode, stdout, stderr } = sandbox.kvs(["rm", ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toStartWith(`kvs: ${message}\nUsage: kvs rm KEY [`);
  });
});

describe("rm --prefix", () => {
  test("--dry-run shows the keys and removes nothing", () => {
    fill();
    expect(sandbox.kvs(["rm", "--prefix", "a/", "--dry-run"])).toEqual(printed("a/1\na/2\\n\n"));
    expect(sandbox.kvs(["count"])).toEqual(printed("3\n"));
  });

  test("--yes removes them in silence", () => {
    fill();
    expect(sandbox.kvs(["rm", "--prefix", "a/", "--yes"])).toEqual(printed(""));
    expect(sandbox.kvs(["list", "--keys"])).toEqual(printed("b/1\n"));
  });

  test("matching nothing is fine, also without a store", () => {
    for (const flag of ["--dry-run", "--yes"])
      expect(sandbox.kvs(["rm", "--prefix", "x", flag])).toEqual(printed(""));
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
    fill();
    for (const flag of ["--dry-run", "--yes"])
      expect(sandbox.kvs(["rm", "--prefix", "x", flag])).toEqual(printed(""));
  });

  test("asks at a terminal, and takes anything but yes for no", async () => {
    fill();
    const prompt = 'kvs: Remove 2 keys with prefix "a/"? [y/N] ';
    expect(await ask(prompt, "n")).toBe(`${prompt}n\r\nkvs: Removed nothing\r\n`);
    expect(await ask(prompt, "")).toContain("Removed nothing");
    expect(sandbox.kvs(["count"])).toEqual(printed("3\n"));
    expect(await ask(prompt, "y")).toBe(`${prompt}y\r\n`);
    expect(sandbox.kvs(["list", "--keys"])).toEqual(printed("b/1\n"));
  });
});

async function ask(prompt: string, answer: string): Promise<string> {
  return await sandbox.atTerminal(["rm", "--prefix", "a/"], { prompt, answer });
}

function fill(): void {
  for (const key of ["a/1", "a/2\n", "b/1"]) sandbox.bytes(["set", key, "v", "--durability", "os"]);
}
