import { expect, test } from "bun:test";
import { appendFileSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
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

test("verify exits 0 for a sound store, 1 with a list for a damaged one, 3 for none", () => {
  using sandbox = new Sandbox();
  expect(sandbox.kvs(["verify"]).exitCode).toBe(3);
  sandbox.bytes(["set", "k", "value"]);
  expect(sandbox.kvs(["verify"])).toEqual(printed("sound: 1 log, 0 indexes, 1 record\n"));
  const log = sandbox.path("kvs_logs/1.log");
  appendFileSync(log, "torn");
  expect(sandbox.bytes(["verify"]).toString()).toBe(
    `torn tail: ${JSON.stringify(realpathSync(log))} at offset ${statSync(log).size - 4}, 4 bytes: the last record breaks off; the next write cuts it off\nsound: 1 log, 0 indexes, 1 record\n`,
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
