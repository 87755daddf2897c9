import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { KVS, printed, Sandbox } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

const OLD = "an older export\n";

/** Enough that an export of it is met at work. */
function fill(records: number): void {
  const lines = Array.from({ length: records }, (_, at) => `k${at}\t${"v".repeat(30)}\n`);
  sandbox.bytes(["import", "--as", "tsv"], { stdin: lines.join("") });
}

/** What an export to a pipe gives. */
function exported(): string {
  return sandbox.bytes(["export"]).toString();
}

function expectOldAlone(): void {
  expect(readFileSync(sandbox.path("out"), "utf8")).toBe(OLD);
  expect(readdirSync(sandbox.directory).toSorted()).toEqual(["kvs_logs", "out"]);
}

test("an export that fails leaves an older one as it was, and nothing beside it", () => {
  fill(3000);
  writeFileSync(sandbox.path("out"), OLD);
  const full = sandbox.bash(`trap '' XFSZ; ulimit -f 40; kvs export out`);
  expect([full.exitCode, full.stderr]).toEqual([3, 'kvs: Cannot write "out": file too large\n']);
  expectOldAlone();
  sandbox.bytes(["set", "z", "-"], { stdin: "a\0b" });
  expect(sandbox.kvs(["export", "--as", "nul", "out"]).exitCode).toBe(1);
  expectOldAlone();
  const log = sandbox.path("kvs_logs/1.log");
  const bytes = readFileSync(log);
  bytes[bytes.indexOf("k2000vvv") + 6] = 0x58;
  writeFileSync(log, bytes);
  expect(sandbox.kvs(["export", "out"]).exitCode).toBe(4);
  expectOldAlone();
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s in the middle of an export leaves an older one as it was, and nothing beside it",
  async (signal) => {
    fill(150_000);
    writeFileSync(sandbox.path("out"), OLD);
    const child = Bun.spawn([KVS, "export", "out"], { cwd: sandbox.directory, stderr: "pipe" });
    const isUnderWay = (): boolean => readdirSync(sandbox.directory).some((name) => name.endsWith(".tmp"));
    while (child.exitCode === null && !isUnderWay()) await Bun.sleep(1);
    child.kill(signal);
    await child.exited;
    expect([child.signalCode, await child.stderr.text()]).toEqual([signal, ""]);
    expectOldAlone();
  },
);

test("an export puts another file into place, with the permissions of the one before", () => {
  fill(10);
  writeFileSync(sandbox.path("out"), OLD, { mode: 0o640 });
  const before = statSync(sandbox.path("out")).ino;
  expect(sandbox.bash("exec 3<out; kvs export out; cat <&3")).toEqual(printed(OLD));
  const { ino, mode } = statSync(sandbox.path("out"));
  expect([ino === before, mode & 0o777]).toEqual([false, 0o640]);
  expect(readFileSync(sandbox.path("out"), "utf8")).toBe(exported());
});

test("an export follows a link to a file, and spares that file while it fails", () => {
  fill(3000);
  mkdirSync(sandbox.path("exports"));
  writeFileSync(sandbox.path("exports/monday"), OLD);
  symlinkSync("exports/monday", sandbox.path("latest"));
  expect(sandbox.bash(`trap '' XFSZ; ulimit -f 40; kvs export latest`).exitCode).toBe(3);
  expect(readFileSync(sandbox.path("exports/monday"), "utf8")).toBe(OLD);
  sandbox.bytes(["export", "latest"]);
  expect(lstatSync(sandbox.path("latest")).isSymbolicLink()).toBe(true);
  expect(readFileSync(sandbox.path("exports/monday"), "utf8")).toBe(exported());
  expect(readdirSync(sandbox.path("exports"))).toEqual(["monday"]);
});

test("neither an export nor get --output writes over a file of the store", () => {
  sandbox.bytes(["set", "k", "v"]);
  sandbox.bash("ln -s kvs_logs/1.log link; ln -s kvs_logs there");
  for (const path of ["kvs_logs/1.log", "./there/LOCK", "link", "kvs_logs/9.log", "there/1.idx"]) {
    for (const command of [["export"], ["get", "k", "--output"]]) {
      const { exitCode, stderr } = sandbox.kvs([...command, path]);
      expect([path, exitCode]).toEqual([path, 2]);
      expect(stderr).toStartWith(`kvs: Cannot write "${path}": it belongs to the store\n`);
    }
  }
  expect(sandbox.bytes(["get", "k"]).toString()).toBe("v");
  expect(sandbox.bash("cd kvs_logs; kvs export --dir . out; ls").stdout).toBe("1.log\nLOCK\nout\n");
});

test("an export writes in place to what has to stay the file that it is", () => {
  sandbox.bytes(["set", "k", "v"]);
  const line = "k\tv\n";
  const into = (path: string): string => `kvs export --as tsv ${path}`;
  expect(sandbox.bash(`${into("/dev/stdout")} | cat`)).toEqual(printed(line));
  expect(sandbox.bash(`exec 3>file; ${into("/dev/stdout")} >&3; cat file`)).toEqual(printed(line));
  expect(sandbox.bash(into("/dev/null"))).toEqual(printed(""));
  expect(sandbox.bash(`mkfifo pipe; cat pipe & ${into("pipe")}; wait`)).toEqual(printed(line));
  expect(lstatSync(sandbox.path("pipe")).isFIFO()).toBe(true);
  writeFileSync(sandbox.path("one"), OLD);
  linkSync(sandbox.path("one"), sandbox.path("two"));
  sandbox.bash(into("two"));
  expect(readFileSync(sandbox.path("one"), "utf8")).toBe(line);
  symlinkSync("nowhere", sandbox.path("dangling"));
  sandbox.bash(into("dangling"));
  expect(readFileSync(sandbox.path("nowhere"), "utf8")).toBe(line);
});
