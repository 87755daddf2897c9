import { expect, test } from "bun:test";
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { printed, Sandbox } from "./run-kvs.ts";

test("every message about a damaged record names the same offset, that of the record", () => {
  using sandbox = new Sandbox();
  const batch = ["first", "second"].map((value) => `{"Set":{"key":"${value}","value":"${value} value"}}\n`);
  sandbox.bytes(["batch"], { stdin: batch.join("") });
  sandbox.bytes(["set", "third", "value"]);
  const log = sandbox.path("kvs_logs/1.log");
  const bytes = readFileSync(log);
  const value = bytes.indexOf("second value");
  bytes[value] = 0x58;
  writeFileSync(log, bytes);
  const place = `at offset ${value - "second".length - 12}`;
  for (const command of [
    ["get", "second"],
    ["verify"],
    ["log"],
    ["repair", "--to", "new"],
    ["backup", "again"],
    ["restore", "kvs_logs", "--dir", "restored"],
  ]) {
    const { stdout, stderr } = sandbox.kvs(command);
    expect([command, stdout + stderr]).toEqual([command, expect.stringContaining(place)]);
  }
});

test("messages name paths as they were typed, by a flag, a variable or an operand", () => {
  using sandbox = new Sandbox();
  const line = '{"Set":{"key":"a","value":"value"}}\n';
  sandbox.bytes(["batch"], { stdin: line.replace("a", "b") + line });
  sandbox.bash("mkdir full && touch full/file");
  const log = sandbox.path("kvs_logs/1.log");
  const bytes = readFileSync(log);
  bytes[bytes.lastIndexOf("value")] = 0x58;
  writeFileSync(log, bytes);
  const whole = sandbox.path("kvs_logs");
  for (const typed of ["kvs_logs", "./kvs_logs/", "full/../kvs_logs", whole]) {
    const name = `"${typed.replace(/\/$/, "")}/1.log"`;
    for (const command of [["get", "a"], ["verify"], ["list"], ["restore", typed, "--dir", "new"]]) {
      const { stdout, stderr } = sandbox.kvs([...command, ...(command.length > 2 ? [] : ["--dir", typed])]);
      expect([command, stdout + stderr]).toEqual([command, expect.stringContaining(name)]);
      const { stderr: inherited } = sandbox.kvs(["get", "a"], { env: { KVS_DIR: typed } });
      expect(inherited).toContain(`Cannot read ${name}: `);
    }
    const { stdout } = sandbox.kvs(["shell", "--dir", typed], { stdin: "get\ta\n" });
    expect(stdout).toStartWith(`error\t4\tCannot read ${name}: `);
  }
  expect(sandbox.kvs(["repair", "--to", "./full"]).stderr).toContain('into "./full": it is not empty');
  expect(JSON.parse(sandbox.kvs(["verify", "--json"]).stdout)).toMatchObject({ directory: whole });
});

test("verify exits 0 for a sound store, 1 with a list for a damaged one, 3 for none", () => {
  using sandbox = new Sandbox();
  expect(sandbox.kvs(["verify"]).exitCode).toBe(3);
  sandbox.bytes(["set", "k", "value"]);
  expect(sandbox.kvs(["verify"])).toEqual(printed("sound: 1 log, 0 indexes, 1 record\n"));
  const log = sandbox.path("kvs_logs/1.log");
  appendFileSync(log, "torn");
  expect(sandbox.bytes(["verify"]).toString()).toBe(
    `torn tail: "./kvs_logs/1.log" at offset ${statSync(log).size - 4}, 4 bytes: the last record breaks off; the next write cuts it off\nsound: 1 log, 0 indexes, 1 record\n`,
  );
  const bytes = readFileSync(log);
  bytes[bytes.indexOf("value")] = 0x58;
  writeFileSync(log, bytes);
  const { exitCode, stdout, stderr } = sandbox.kvs(["verify"]);
  expect([exitCode, stderr]).toEqual([1, ""]);
  expect(stdout).toMatch(
    /^damage: ".*\/1\.log" at offset 72, 18 bytes: a record fails its checksum\ntorn tail: .*\ndamaged in 1 place: 1 log, 0 indexes, 0 records\n$/,
  );
  const report = JSON.parse(sandbox.kvs(["verify", "--json"]).stdout) as { damage: { offset: number }[] };
  expect(report.damage.map(({ offset }) => offset)).toEqual([72]);
  expect(sandbox.kvs(["verify", "extra"]).exitCode).toBe(2);
});
