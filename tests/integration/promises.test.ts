import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "bun";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  readdirSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** What the README promises, kept by the compiled binary. */
const ROOT = resolve(import.meta.dir, "../..");
const KVS = resolve(ROOT, process.env["KVS_BINARY"] ?? "dist/kvs");
const LINUX = process.platform === "linux";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "kvs-promises-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: readonly string[]): Answer {
  const { exitCode, stdout, stderr } = spawnSync([...command], { stdout: "pipe", stderr: "pipe", env: {} });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

function kvs(store: string, ...args: readonly string[]): Answer {
  return run([KVS, "--dir", store, ...args]);
}

test("8 processes at once that count to 240 end at exactly 240 (invariant 2)", async () => {
  const store = join(directory, "counter");
  const loop = `for i in $(seq 30); do "${KVS}" --dir "${store}" incr n || exit 1; done`;
  const loops = Array.from({ length: 8 }, () =>
    spawn(["bash", "-c", loop], { stdout: "pipe", stderr: "inherit" }),
  );
  const outputs = await Promise.all(loops.map(async (process) => new Response(process.stdout).text()));
  expect(await Promise.all(loops.map(async (process) => process.exited))).toEqual(Array<number>(8).fill(0));
  expect(kvs(store, "get", "n").stdout).toBe("240");
  // Nobody saw a number twice.
  const seen = outputs.flatMap((output) => output.trim().split("\n").map(Number));
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 240 }, (_, index) => index + 1));
}, 60_000);

test("a torn last record costs only itself, and stats says so (invariants 1, 4)", () => {
  const store = join(directory, "torn");
  for (const number of [1, 2, 3]) kvs(store, "set", `k${number}`, `value ${number}`);
  const log = join(store, "1.log");
  const whole = statSync(log).size;
  kvs(store, "set", "k4", "value 4");
  // As after a power cut: LOCK is gone, and the last record half written.
  rmSync(join(store, "LOCK"));
  truncateSync(log, whole + 7);
  expect(kvs(store, "list", "--keys").stdout).toBe("k1\nk2\nk3\n");
  expect(kvs(store, "set", "k5", "value 5").exitCode).toBe(0);
  expect(kvs(store, "list", "--keys").stdout).toBe("k1\nk2\nk3\nk5\n");
  expect(JSON.parse(kvs(store, "stats", "--json").stdout)).toMatchObject({ tornTailsCut: 1, keys: 4 });
});

test("a log that ends before what LOCK says was written exits 4 with the offset (invariant 8)", () => {
  const store = join(directory, "cut");
  for (const number of [1, 2]) kvs(store, "set", `k${number}`, `value ${number}`);
  const log = join(store, "1.log");
  const first = statSync(log).size;
  kvs(store, "set", "k3", "value 3");
  const last = statSync(log).size;
  for (let size = last - 1; size >= first; size -= 1) {
    truncateSync(log, size);
    for (const command of [["get", "k1"], ["get", "nobody"], ["set", "k", "v"], ["list"]]) {
      const { exitCode, stdout, stderr } = kvs(store, ...command);
      expect([size, exitCode, stdout]).toEqual([size, 4, ""]);
      expect(stderr).toContain(`"${log}"`);
      expect(stderr).toEndWith(`at offset ${first}\n`);
    }
    expect(statSync(log).size).toBe(size);
    if (last - size > 3) break;
  }
});

describe("a disk that is full", () => {
  test.skipIf(!LINUX)(
    "makes set exit 3, and loses nothing acknowledged, at any size (invariants 2, 4)",
    () => {
      for (let limit = 0; limit <= 900; limit += 45) {
        const store = join(directory, `full-${limit}`);
        const acknowledged: string[] = [];
        let refused = 0;
        for (let number = 0; number < 8; number += 1) {
          const key = `k${number}`;
          const limited = ["prlimit", `--fsize=${limit}`, KVS, "--dir", store, "set", key, "v".repeat(100)];
          const { exitCode, stdout, stderr } = run(limited);
          expect([0, 3]).toContain(exitCode);
          expect(stdout).toBe("");
          if (exitCode === 0) acknowledged.push(key);
          else refused += 1;
          expect(stderr === "").toBe(exitCode === 0);
          if (exitCode === 3) expect(stderr).toMatch(/^kvs: Cannot .*: the file-size limit is reached\n$/);
        }
        expect(refused).toBeGreaterThan(0);
        expect(kvs(store, "list", "--keys").stdout).toBe(acknowledged.map((key) => `${key}\n`).join(""));
        // With room again, it goes on.
        expect(kvs(store, "set", "after", "1")).toEqual({ exitCode: 0, stdout: "", stderr: "" });
        expect(kvs(store, "count").stdout).toBe(`${acknowledged.length + 1}\n`);
      }
    },
    60_000,
  );
});

test("files are 0600 and the directory 0700 under any umask", () => {
  const store = join(directory, "modes");
  run(["bash", "-c", `umask 0; "${KVS}" --dir "${store}" set k v && "${KVS}" --dir "${store}" compact -q`]);
  expect((statSync(store).mode & 0o777).toString(8)).toBe("700");
  const names = readdirSync(store);
  expect(names).toEqual(expect.arrayContaining(["LOCK", "COMPACT", "1-2.log", "1-2.idx"]));
  for (const name of names) expect((statSync(join(store, name)).mode & 0o777).toString(8)).toBe("600");
});

test("reading changes no byte and no time (invariant 9)", () => {
  const store = join(directory, "reading");
  kvs(store, "set", "k", "v");
  // An unfinished end, which only a writer may cut off.
  appendFileSync(join(store, "1.log"), "half a record");
  const before = fingerprint(store);
  for (const command of [["get", "k"], ["exists", "k"], ["list"], ["count"], ["stats"], ["ttl", "k"]]) {
    expect([command, kvs(store, ...command).exitCode]).toEqual([command, 0]);
  }
  expect(fingerprint(store)).toBe(before);
});

test("one flipped byte of a value is never served (invariant 8)", () => {
  const store = join(directory, "flipped");
  kvs(store, "set", "k", "older");
  kvs(store, "set", "k", "newest value");
  const log = join(store, "1.log");
  const bytes = readFileSync(log);
  bytes[bytes.indexOf("newest")] = 0x4e;
  writeFileSync(log, bytes);
  const { exitCode, stdout, stderr } = kvs(store, "get", "k");
  expect([exitCode, stdout]).toEqual([4, ""]);
  expect(stderr).toMatch(/^kvs: Cannot read ".*1\.log": a record fails its checksum at offset \d+\n$/);
});

function fingerprint(store: string): string {
  return ["LOCK", "1.log"]
    .map((name) => {
      const path = join(store, name);
      return `${name} ${statSync(path).mtimeMs} ${Bun.hash(readFileSync(path))}`;
    })
    .join("\n");
}
