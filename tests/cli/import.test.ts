import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawn } from "bun";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { KVS, Sandbox, failed, printed } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

describe("import", () => {
  test("reads commands and records from a file, and prints nothing", () => {
    writeFileSync(
      sandbox.path("in"),
      [
        '{"Set":{"key":"a","value":"1"}}',
        '{"key":"b","value":"2"}',
        "",
        '{"Set":{"key":"c","value":"3"}}{"Remove":{"key":"a"}}{"Remove":{"key":"missing"}}',
        '{"key_base64":"/w==","value_base64":"AA=="}',
        '{"Set":{"key":"d","value":"gA==","encoding":"base64"}}',
      ].join("\n"),
    );
    expect(sandbox.kvs(["import", "in"])).toEqual(printed(""));
    expect(sandbox.kvs(["list", "--json"])).toEqual(
      printed(
        '{"key":"b","value":"2"}\n{"key":"c","value":"3"}\n{"key":"d","value_base64":"gA=="}\n{"key_base64":"/w==","value":"\\u0000"}\n',
      ),
    );
  });

  test("reads standard input without a file, or as -", () => {
    expect(sandbox.kvs(["import"], { stdin: '{"key":"a","value":"1"}' })).toEqual(printed(""));
    expect(sandbox.kvs(["import", "-"], { stdin: '{"key":"b","value":"2"}\r\n' })).toEqual(printed(""));
    expect(sandbox.kvs(["list"])).toEqual(printed("a\t1\nb\t2\n"));
    writeFileSync(sandbox.path("-"), '{"key":"c","value":"3"}');
    expect(sandbox.kvs(["import", "--", "-"])).toEqual(printed(""));
    expect(sandbox.kvs(["get", "c"])).toEqual(printed("3"));
  });

  test("of nothing creates an empty store", () => {
    expect(sandbox.kvs(["import"], { stdin: "" })).toEqual(printed(""));
    expect(sandbox.kvs(["stats", "--json"]).exitCode).toBe(0);
  });

  test("names a bad line, and keeps what came before it", () => {
    const stdin = '{"key":"a","value":"1"}\n\n{"key":"b","value":2}\n{"key":"c","value":"3"}\n';
    expect(sandbox.kvs(["import"], { stdin })).toEqual(
      failed(
        2,
        'Cannot import line 3 of standard input, those before it are kept: Cannot use command: "value" is not a string',
      ),
    );
    expect(sandbox.kvs(["list"])).toEqual(printed("a\t1\n"));
  });

  test("refuses a line that breaks off, and a key that is too long", () => {
    writeFileSync(sandbox.path("in"), '{"key":"a","value":"1"}\n{"key":"b","val');
    expect(sandbox.kvs(["import", "in"])).toEqual(
      failed(2, 'Cannot import line 2 of "in", those before it are kept: Cannot decode line: it is not JSON'),
    );
    const { exitCode, stderr } = sandbox.kvs(["import"], {
      stdin: JSON.stringify({ key: "k".repeat(65_536), value: "" }),
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("line 1 of standard input");
    expect(stderr).toContain("it is 65536 bytes");
  });

  test("keeps expiries, and removes what has expired", () => {
    sandbox.bytes(["set", "old", "v"]);
    const lines = [
      { key: "old", value: "w", expires: 1 },
      { key: "new", value: "v", expires: Date.now() + 3_600_000 },
      { Set: { key: "too", value: "v", expires: Date.now() + 3_600_000 } },
    ];
    sandbox.bytes(["import"], { stdin: lines.map((line) => JSON.stringify(line)).join("\n") });
    expect(sandbox.kvs(["list", "--keys"])).toEqual(printed("new\ntoo\n"));
    for (const key of ["new", "too"]) expect(sandbox.kvs(["ttl", key]).stdout).toMatch(/^\d+\n$/);
  });

  test("reads a log of kvs back", () => {
    sandbox.bytes(["set", "a", "1", "--format", "json"]);
    sandbox.bytes(["set", "", "empty key"]);
    sandbox.bytes(["rm", "a"]);
    expect(sandbox.kvs(["import", "kvs_logs/1.log", "--dir", "copy"])).toEqual(printed(""));
    expect(sandbox.kvs(["list", "--dir", "copy"])).toEqual(printed("\tempty key\n"));
  });

  test("reads lines of any length, and many of them", () => {
    const records = Array.from({ length: 20_000 }, (_, at) =>
      JSON.stringify({ key: `k${at}`, value: "v".repeat(at % 97) }),
    );
    const long = JSON.stringify({ key: "long", value: "x".repeat(3_000_000) });
    writeFileSync(sandbox.path("in"), [...records, long].join("\n"));
    expect(sandbox.kvs(["import", "in"])).toEqual(printed(""));
    expect(sandbox.kvs(["count"])).toEqual(printed("20001\n"));
    expect(sandbox.bytes(["get", "long"]).length).toBe(3_000_000);
    expect(sandbox.bytes(["get", "k96"]).length).toBe(96);
  });

  test("says why a file cannot be read, and creates no store", () => {
    expect(sandbox.kvs(["import", "none"])).toEqual(
      failed(3, 'Cannot open "none": no such file or directory'),
    );
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
    mkdirSync(sandbox.path("folder"));
    expect(sandbox.kvs(["import", "folder"]).exitCode).toBe(3);
    expect(sandbox.kvs(["import", "a", "b"]).exitCode).toBe(2);
    expect(sandbox.kvs(["import", "--as", "csv"]).exitCode).toBe(2);
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "on %s keeps what it has read, and dies of that signal",
    async (signal) => {
      const run = spawn([KVS, "import"], {
        cwd: sandbox.directory,
        env: {},
        stdin: "pipe",
        stdout: "pipe",
        stderr: "pipe",
      });
      void run.stdin.write('{"key":"a","value":"1"}\n');
      await run.stdin.flush();
      while (sandbox.kvs(["get", "a"]).exitCode !== 0) await Bun.sleep(5);
      run.kill(signal);
      await run.exited;
      expect(run.signalCode).toBe(signal);
      expect(await run.stderr.text()).toBe("");
      expect(sandbox.kvs(["list"])).toEqual(printed("a\t1\n"));
    },
  );
});
