import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  existsSync,
  lstatSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KvStore } from "../../src/index.ts";
import { type Ended, KVS } from "../cli/run-kvs.ts";

/** Longer than any of these takes, were it not to hang. */
const HANGS_MS = 20_000;

const KINDS = [
  "FIFO",
  "symlink",
  "dangling symlink",
  "symlink to a directory",
  "directory",
  "socket",
  "hard link",
];
const NAMES = [
  "LOCK",
  "COMPACT",
  "1-2.log",
  "3.log",
  "4.log",
  "5.log",
  "3.idx",
  "5.log.tmp",
  "4-5.log.tmp",
  "1-4.idx.tmp",
];

let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "kvs-hostile-"));
  await writeStore(join(root, "store"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A store of a merged log, a sealed one with its index and one that is written to. */
async function writeStore(path: string): Promise<void> {
  {
    using store = KvStore.open(path, { autoCompact: false });
    store.batch([{ set: ["a", "1"] }, { set: ["b", "1"] }]);
    await store.compact();
  }
  {
    using store = KvStore.open(path, { autoCompact: false, generationBytes: 1 });
    store.set("b", "2");
  }
  using store = KvStore.open(path, { autoCompact: false });
  store.set("c", "3");
}

/** Puts something in the place of a file; what it leads to is `outside`. */
function put(kind: string, file: string, outside: string): void {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.from("not the store's");
  rmSync(file, { force: true });
  const target = join(outside, "target");
  writeFileSync(target, bytes);
  if (kind === "FIFO") Bun.spawnSync(["mkfifo", file]);
  else if (kind === "symlink") symlinkSync(target, file);
  else if (kind === "dangling symlink") symlinkSync(join(outside, "nothing"), file);
  else if (kind === "symlink to a directory") symlinkSync(outside, file);
  else if (kind === "directory") mkdirSync(file);
  else if (kind === "socket") listenAt(file);
  else linkSync(target, file);
}

function listenAt(file: string): void {
  const server = Bun.listen({ unix: file, socket: { data: () => undefined } });
  // What stands under the name goes with the server: it is moved there once that is gone.
  const moved = `${file}.moved`;
  linkSync(file, moved);
  server.stop(true);
  rmSync(file, { force: true });
  linkSync(moved, file);
  rmSync(moved);
}

/** Everything in the directory that a store must not reach. */
function snapshot(outside: string): unknown {
  return readdirSync(outside).map((name) => {
    const path = join(outside, name);
    const { mtimeNs, size, mode } = statSync(path, { bigint: true });
    return [name, mtimeNs, size, mode, readFileSync(path, "latin1")];
  });
}

function kvs(directory: string, ...args: string[]): Ended {
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [KVS, "--dir", directory, "--no-auto-compact", ...args],
    {
      env: {},
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: HANGS_MS,
    },
  );
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** A right answer, or none, with one line that says why: I/O (3) or damage (4). */
function expectSane(what: string, { exitCode, stdout, stderr }: Ended, right: string): void {
  if (exitCode === 0) return expect([what, stdout]).toEqual([what, right]);
  expect([what, exitCode === 3 || exitCode === 4, stdout]).toEqual([what, true, ""]);
  expect([what, stderr]).toEqual([what, expect.stringMatching(/^kvs: [^\n]+\n$/)]);
}

describe("a store's file that was replaced", () => {
  for (const kind of KINDS) {
    test(`by a ${kind} is refused, or does no harm: nothing hangs, is followed or overwritten`, () => {
      for (const name of NAMES) {
        const what = `${kind} ${name}`;
        const place = mkdtempSync(join(root, "case-"));
        const [path, outside] = [join(place, "store"), join(place, "outside")];
        mkdirSync(outside);
        cpSync(join(root, "store"), path, { recursive: true });
        put(kind, join(path, name), outside);
        const before = snapshot(outside);
        for (const [key, value] of [
          ["a", "1"],
          ["b", "2"],
          ["c", "3"],
        ] as const) {
          expectSane(what, kvs(path, "get", key), value);
        }
        const written = kvs(path, "set", "new", "4");
        expectSane(what, written, "");
        if (written.exitCode === 0) expectSane(what, kvs(path, "get", "new"), "4");
        expectSane(what, kvs(path, "compact"), "");
        expectSane(what, kvs(path, "get", "a"), "1");
        expect([what, kvs(path, "verify", "-q").exitCode]).toEqual([what, expect.any(Number)]);
        expect([what, snapshot(outside)]).toEqual([what, before]);
        rmSync(place, { recursive: true });
      }
    }, 120_000);
  }

  test("by a hard link is read, and not written to", () => {
    const path = join(root, "linked");
    cpSync(join(root, "store"), path, { recursive: true });
    linkSync(join(path, "4.log"), join(root, "other name"));
    expect(kvs(path, "get", "c").stdout).toBe("3");
    const { exitCode, stderr } = kvs(path, "set", "c", "4");
    expect(exitCode).toBe(3);
    expect(stderr).toEndWith('4.log": it has another name as well, by a hard link\n');
    rmSync(join(root, "other name"));
    expect(kvs(path, "set", "c", "4").exitCode).toBe(0);
  });
});

test("a backup, whose logs are linked to the store's, is written to without changing them", () => {
  const [path, copy] = [join(root, "original"), join(root, "backup")];
  cpSync(join(root, "store"), path, { recursive: true });
  expect(kvs(path, "backup", copy).exitCode).toBe(0);
  expect(readdirSync(copy).some((name) => statSync(join(copy, name)).nlink > 1)).toBe(true);
  for (const [directory, value] of [
    [copy, "5"],
    [path, "6"],
  ] as const) {
    expect(kvs(directory, "set", "c", value)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  }
  expect([kvs(copy, "get", "c").stdout, kvs(path, "get", "c").stdout]).toEqual(["5", "6"]);
});

describe("a store's directory", () => {
  test("that is a symbolic link is the one that it leads to", () => {
    const path = join(root, "real");
    cpSync(join(root, "store"), path, { recursive: true });
    symlinkSync(path, join(root, "link"));
    expect(kvs(join(root, "link"), "set", "z", "1").exitCode).toBe(0);
    expect(kvs(path, "get", "z").stdout).toBe("1");
    expect(lstatSync(join(root, "link")).isSymbolicLink()).toBe(true);
  });

  for (const kind of ["FIFO", "dangling symlink", "socket", "hard link"]) {
    test(`that is none but a ${kind} is refused`, () => {
      const place = mkdtempSync(join(root, "case-"));
      mkdirSync(join(place, "outside"));
      put(kind, join(place, "store"), join(place, "outside"));
      const before = snapshot(join(place, "outside"));
      for (const args of [["get", "a"], ["set", "a", "1"], ["list"], ["compact"], ["stats"], ["verify"]]) {
        const ended = kvs(join(place, "store"), ...args);
        const isEmpty = kind === "dangling symlink" && (args[0] === "get" || args[0] === "list");
        expect([args, ended.exitCode]).toEqual([args, isEmpty ? (args[0] === "get" ? 1 : 0) : 3]);
      }
      expect(snapshot(join(place, "outside"))).toEqual(before);
    });
  }
});

describe("the highest number that a log can have", () => {
  const HIGHEST = Number.MAX_SAFE_INTEGER;
  const command = (value: string): string => `{"Set":{"key":"a","value":"${value}"}}`;

  test("as the name of a stray file is damage, and nothing is written", () => {
    const path = join(root, "stray");
    cpSync(join(root, "store"), path, { recursive: true });
    writeFileSync(join(path, `${HIGHEST}.log`), "");
    const before = snapshot(path);
    for (const args of [
      ["get", "a"],
      ["set", "a", "2"],
    ]) {
      const { exitCode, stderr } = kvs(path, ...args);
      expect([exitCode, stderr]).toEqual([4, expect.stringContaining(`${HIGHEST}.log": it has no header`)]);
    }
    expect(snapshot(path)).toEqual(before);
  });

  test("had a log put behind it that could not be opened: the store was lost to all; now it is only read", () => {
    const path = join(root, "foreign-full");
    mkdirSync(path);
    writeFileSync(join(path, "1.log"), command("old"));
    writeFileSync(join(path, `${HIGHEST}.log`), command("new"));
    for (const args of [["set", "a", "2"], ["compact"], ["backup", join(root, "foreign-full-copy")]]) {
      const { exitCode, stderr } = kvs(path, ...args);
      expect([args, exitCode, stderr]).toEqual([
        args,
        3,
        expect.stringMatching(/^kvs: Cannot start a log behind ".*": there is no higher number\n$/),
      ]);
      expect(kvs(path, "get", "a").stdout).toBe("new");
    }
    expect(readdirSync(path).filter((name) => name.endsWith(".log"))).toHaveLength(2);
  });

  test("is written to as long as there is room, and never sealed", () => {
    const path = join(root, "foreign-last");
    mkdirSync(path);
    writeFileSync(join(path, `${HIGHEST - 1}.log`), command("old"));
    const value = "v".repeat(30_000);
    for (const key of ["b", "c", "d"]) expect(kvs(path, "set", key, value)).toMatchObject({ exitCode: 0 });
    expect(kvs(path, "compact")).toMatchObject({ exitCode: 3 });
    expect(kvs(path, "set", "a", "new")).toMatchObject({ exitCode: 0 });
    for (const key of ["b", "c", "d"]) expect(kvs(path, "get", key).stdout).toBe(value);
    expect(kvs(path, "get", "a").stdout).toBe("new");
    expect(readdirSync(path).filter((name) => name.endsWith(".log"))).toHaveLength(2);
    expect(kvs(path, "verify", "-q").exitCode).toBe(0);
  });
});
