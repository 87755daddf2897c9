import { expect, test } from "bun:test";
import { appendFileSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { printed, Sandbox } from "./run-kvs.ts";

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
