import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawn } from "bun";
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { KVS, Sandbox, failed, printed } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

/** Permissions bind everybody but root. */
const NOBODY = 65_534;
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: NOBODY } : {};

function fillPastPipe(): void {
  const lines = Array.from({ length: 20_000 }, (_, at) =>
    JSON.stringify({ key: `key ${at}`, value: "v".repeat(20) }),
  );
  sandbox.bytes(["import"], { stdin: lines.join("\n") });
}

describe("a directory", () => {
  test("is the one that the system finds, to every command, where `..` follows a symbolic link", () => {
    sandbox.bash("mkdir -p a/b; ln -s a/b link; kvs set --dir a/s k in-a; kvs set --dir s k in-top");
    const ended = sandbox.bash(`
      kvs set --dir link/../s new 1; kvs incr --dir link/../s n; kvs list --dir link/../s
      kvs rm --dir link/../s k; kvs get --dir link/../s k; kvs list --dir s; kvs list --dir a/s`);
    expect(ended.stdout).toBe("1\nk\tin-a\nn\t1\nnew\t1\nk\tin-top\nn\t1\nnew\t1\n");
  });

  test.skipIf(process.platform !== "linux")("may lie in one whose name is not UTF-8", () => {
    const ended = sandbox.bash(`
      mkdir d$'\\xff' && cd d$'\\xff' || exit
      kvs set k v; kvs get k; kvs incr n; kvs count; kvs compact -q; kvs verify; kvs backup b; rm kvs_logs/LOCK
      kvs get k; kvs list --dir b; kvs get --dir ./none k || echo $?`);
    expect(ended).toEqual({
      exitCode: 0,
      stdout: "v1\n2\nsound: 2 logs, 1 index, 2 records\nvk\tv\nn\t1\n1\n",
      stderr: 'kvs: Backed up 1 log, 156 B, to "b"\nkvs: Key not found\n',
    });
  });
});

describe("output", () => {
  test("that cannot be written exits 3 and says why", () => {
    sandbox.bytes(["set", "k", "v"]);
    for (const command of [
      "get k",
      "list",
      "count",
      "stats",
      "incr n",
      "ttl k",
      "--help",
      "--version",
      "help get",
    ]) {
      const ended = sandbox.bash(`kvs ${command} >/dev/full`);
      expect({ command, ...ended }).toEqual({
        command,
        ...failed(3, "Cannot write standard output: no space left on device"),
      });
    }
  });

  test("into a pipe that closes ends at once, in silence, with success", () => {
    fillPastPipe();
    const ended = sandbox.bash('kvs list | head -1; echo "${PIPESTATUS[0]}"');
    expect(ended).toEqual(printed(`key 0\t${"v".repeat(20)}\n0\n`));
  });

  test("into a slow, non-blocking pipe loses nothing", async () => {
    fillPastPipe();
    const run = spawn([KVS, "list"], { cwd: sandbox.directory, env: {}, stdout: "pipe" });
    await Bun.sleep(100);
    expect(await run.stdout.text()).toBe(sandbox.bytes(["list"]).toString());
    expect(await run.exited).toBe(0);
  });

  test("to a closed standard output is an error, as for cat, and what was to be written is in the store", () => {
    sandbox.bytes(["set", "k", "v"]);
    const refused = { exitCode: 3, stdout: "", stderr: "kvs: Cannot write standard output: it is closed\n" };
    for (const command of ["get k", "list", "export", "count", "stats", "incr n", "backup -", "--help"])
      expect([command, sandbox.bash(`kvs ${command} >&-`)]).toEqual([command, refused]);
    expect(sandbox.bash("echo 'set\tk2\tv' | kvs shell >&-").exitCode).toBe(3);
    expect(sandbox.bash("kvs set k w >&-; kvs rm k >&-; kvs get k --default '' >&-")).toEqual(printed(""));
    expect(sandbox.bash("kvs get n >/dev/null; kvs get n 1<>/dev/null")).toEqual(printed(""));
    expect(sandbox.kvs(["get", "n"])).toEqual(printed("1"));
  });

  test("to closed descriptors never ends up in the store, whichever are closed", () => {
    sandbox.bytes(["set", "n", "0"]);
    let runs = 0;
    for (const closed of ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"]) {
      for (const command of ["incr n", "set k v", "get k", "get missing", "set -- x", "list", "nope", "rm k"])
        sandbox.bash(`kvs ${command} ${closed}`);
      runs += 1;
      expect(sandbox.kvs(["verify"])).toMatchObject({ exitCode: 0 });
      expect(sandbox.kvs(["get", "n"])).toEqual(printed(`${runs}`));
    }
    expect(sandbox.kvs(["list", "--keys"])).toEqual(printed("n\n"));
  });

  test("a message that cannot be written changes no exit code", () => {
    expect(sandbox.bash("kvs get k 2>/dev/full").exitCode).toBe(1);
    expect(sandbox.bash("kvs get 2>/dev/full").exitCode).toBe(2);
    expect(sandbox.bash("kvs nope 2>&-").exitCode).toBe(2);
  });
});

describe("the directory", () => {
  test("that does not exist is an empty store to those who read, and is not created", () => {
    expect(sandbox.kvs(["get", "k"])).toEqual(failed(1, "Key not found"));
    expect(sandbox.kvs(["exists", "k"]).exitCode).toBe(1);
    expect(sandbox.kvs(["list"])).toEqual(printed(""));
    expect(sandbox.kvs(["count"])).toEqual(printed("0\n"));
    expect(sandbox.kvs(["ttl", "k"])).toEqual(failed(1, "Key not found"));
    for (const command of ["stats", "compact"]) {
      expect(sandbox.kvs([command])).toEqual(
        failed(3, 'Cannot open store "./kvs_logs": there is no such directory'),
      );
    }
    expect(readdirSync(sandbox.directory)).toEqual([]);
  });

  test("is created by set, but not what it lies in", () => {
    expect(sandbox.kvs(["set", "k", "v", "--dir", "a/b"]).exitCode).toBe(3);
    expect(existsSync(sandbox.path("a"))).toBe(false);
    expect(sandbox.kvs(["set", "k", "v", "--dir", "a"])).toEqual(printed(""));
    expect(statSync(sandbox.path("a")).mode & 0o777).toBe(0o700);
  });

  test("that is a file exits 3 for every command", () => {
    writeFileSync(sandbox.path("file"), "");
    for (const args of [
      ["get", "k"],
      ["set", "k", "v"],
      ["rm", "k"],
      ["list"],
      ["count"],
      ["stats"],
      ["expire", "k", "1s"],
    ]) {
      for (const directory of ["file", "file/below"]) {
        const { exitCode, stdout, stderr } = sandbox.kvs([...args, "--dir", directory]);
        expect({ args, directory, exitCode, stdout }).toEqual({ args, directory, exitCode: 3, stdout: "" });
        expect(stderr).toMatch(/^kvs: Cannot .+\n$/);
      }
    }
  });

  test("is left as it is by those who read", () => {
    sandbox.bytes(["set", "k", "v"]);
    const facts = (): unknown =>
      ["", ...readdirSync(sandbox.path("kvs_logs"))].map((name) => {
        const { mtimeNs, size } = statSync(sandbox.path(`kvs_logs/${name}`), { bigint: true });
        return [name, mtimeNs, size];
      });
    const before = facts();
    for (const args of [["get", "k"], ["exists", "k"], ["list"], ["count"], ["ttl", "k"], ["stats"]])
      sandbox.bytes(args);
    expect(facts()).toEqual(before);
  });

  test("without permission exits 3 for writers, and serves readers", () => {
    sandbox.bytes(["set", "k", "v"]);
    for (const name of readdirSync(sandbox.path("kvs_logs")))
      chmodSync(sandbox.path(`kvs_logs/${name}`), 0o444);
    chmodSync(sandbox.path("kvs_logs"), 0o555);
    chmodSync(sandbox.directory, UNPRIVILEGED.uid === undefined ? 0o555 : 0o755);
    expect(sandbox.kvs(["get", "k"], UNPRIVILEGED)).toEqual(printed("v"));
    expect(sandbox.kvs(["list"], UNPRIVILEGED)).toEqual(printed("k\tv\n"));
    for (const args of [
      ["set", "k", "w"],
      ["rm", "k"],
      ["incr", "n"],
      ["compact"],
      ["set", "k", "v", "--dir", "new"],
    ]) {
      const { exitCode, stdout, stderr } = sandbox.kvs(args, UNPRIVILEGED);
      expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 3, stdout: "" });
      expect(stderr).toMatch(/^kvs: Cannot .+\n$/);
    }
    chmodSync(sandbox.directory, 0o700);
    chmodSync(sandbox.path("kvs_logs"), 0o700);
  });

  test("of a damaged store exits 4 and names the file", () => {
    for (let at = 0; at < 5; at++) sandbox.bytes(["set", `k${at}`, "value ".repeat(20)]);
    damage(sandbox.path("kvs_logs/1.log"), 200);
    for (const args of [["list"], ["count"], ["stats"], ["set", "k", "v"], ["incr", "n"]]) {
      const { exitCode, stdout, stderr } = sandbox.kvs(args);
      expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 4, stdout: "" });
      expect(stderr).toMatch(/^kvs: .*1\.log.*\n$/);
    }
  });
});

function damage(path: string, offset: number): void {
  const fd = openSync(path, "r+");
  writeSync(fd, Buffer.from([0xa5, 0x5a, 0xa5]), 0, 3, offset);
  closeSync(fd);
}

describe("the working directory", () => {
  test("cannot change what kvs does by its .env and bunfig.toml", () => {
    writeFileSync(sandbox.path(".env"), "KVS_DIR=elsewhere\nKVS_WAIT=nonsense\n");
    writeFileSync(sandbox.path("bunfig.toml"), 'preload = ["./evil.ts"]\n');
    writeFileSync(sandbox.path("evil.ts"), 'console.log("executed");\n');
    expect(sandbox.kvs(["set", "k", "v"])).toEqual(printed(""));
    expect(sandbox.kvs(["get", "k"])).toEqual(printed("v"));
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(true);
    expect(existsSync(sandbox.path("elsewhere"))).toBe(false);
  });
});

test("In a working directory that was removed, relative paths name nothing, and least of all a new store", () => {
  const elsewhere = sandbox.path("elsewhere");
  sandbox.bytes(["set", "k", "v", "--dir", elsewhere]);
  const stores = (): string[] => readdirSync(dirname(KVS)).toSorted();
  const before = stores();
  for (const [command, exitCode] of [
    ["get k", 3],
    ["set k v", 3],
    ["shell", 0],
    ["import", 3],
    ["list", 3],
    ["verify", 3],
    [`backup new --dir ${elsewhere}`, 3],
    [`repair --to new --dir ${elsewhere}`, 3],
    [`restore ${elsewhere} --dir new`, 3],
    [`export new --dir ${elsewhere}`, 3],
    [`get k --dir ${elsewhere}`, 0],
  ] as const) {
    const line = command === "import" ? '{"key":"a","value":"b"}' : "set\ta\tb";
    const ended = sandbox.bash(`mkdir gone; cd gone; rmdir ../gone; printf '${line}\\n' | kvs ${command}`);
    expect([command, ended.exitCode]).toEqual([command, exitCode]);
    expect(ended.stdout).not.toContain("ok");
    expect(ended.stderr).not.toContain("Internal error");
  }
  expect(stores()).toEqual(before);
});

describe("maintenance", () => {
  test("compact says what it freed, unless told to be quiet", () => {
    for (let at = 0; at < 5; at++) sandbox.bytes(["set", "k", String(at).repeat(1000), "--durability", "os"]);
    const { exitCode, stdout, stderr } = sandbox.kvs(["compact"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
    expect(stderr).toMatch(/^kvs: Freed \d+(\.\d)? (Ki)?B: .+\n$/);
    expect(sandbox.kvs(["get", "k"])).toEqual(printed("4".repeat(1000)));
    sandbox.bytes(["set", "k", "v"]);
    expect(sandbox.kvs(["compact", "-q"])).toEqual(printed(""));
  });

  test("compact --format converts a store, whatever the environment says", () => {
    sandbox.bytes(["set", "k", "v"]);
    expect(sandbox.kvs(["compact", "-q", "--format", "json"], { env: { KVS_FORMAT: "binary" } })).toEqual(
      printed(""),
    );
    expect(JSON.parse(sandbox.bytes(["stats", "--json"]).toString())).toMatchObject({
      format: "json",
      keys: 1,
    });
    expect(sandbox.kvs(["--format", "binary", "compact", "-q"])).toEqual(printed(""));
    expect(JSON.parse(sandbox.bytes(["stats", "--json"]).toString())).toMatchObject({
      format: "binary",
      keys: 1,
    });
    expect(sandbox.kvs(["get", "k"])).toEqual(printed("v"));
    expect(sandbox.kvs(["compact", "--format", "xml"]).exitCode).toBe(2);
    expect(sandbox.kvs(["compact", "k"]).exitCode).toBe(2);
  });

  test("stats prints a table for people, and one object as JSON", () => {
    sandbox.bytes(["set", "k", "v"]);
    const { exitCode, stdout, stderr } = sandbox.kvs(["stats"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("\nkeys        1\n");
    expect(stdout).toMatch(/\n1\.log +active +binary +1 /);
    expect(stdout).not.toContain("█");
    const json = sandbox.bytes(["stats", "--json"]).toString();
    expect(json.trimEnd()).not.toContain("\n");
    expect(JSON.parse(json)).toMatchObject({
      keys: 1,
      generations: [{ name: "1.log", sealed: false, records: 1 }],
    });
  });
});

test("A store that another process holds exits 5 after the wait, and names the holder", () => {
  sandbox.bytes(["set", "k", "v"]);
  const { stdout, stderr } = sandbox.bash(
    'exec 9<kvs_logs/LOCK; flock -x 9; kvs set k w --wait 50ms; echo "$?"; kvs get k',
  );
  expect(stdout).toBe("5\nv");
  expect(stderr).toMatch(/^kvs: .+\n$/);
});

test("A closed standard input is an error, as for cat, and not an empty one", () => {
  sandbox.bytes(["set", "k", "v"]);
  const refused = failed(3, "Cannot read standard input: it is closed");
  for (const command of [
    "set k -",
    "append k -",
    "import",
    "import --as tsv",
    "import --atomic -",
    "batch",
    "restore - --dir new",
    "shell",
  ])
    expect([command, sandbox.bash(`kvs ${command} <&-`)]).toEqual([command, refused]);
  expect(existsSync(sandbox.path("new"))).toBe(false);
  expect(sandbox.kvs(["get", "k"])).toEqual(printed("v"));
  expect(sandbox.bash("kvs set k - </dev/null && kvs import </dev/null && kvs get k")).toEqual(printed(""));
  expect(sandbox.bash("kvs set k w <&- && kvs get k <&-")).toEqual(printed("w"));
});

test.skipIf(process.platform !== "linux")(
  "A signal that the caller has told to be ignored is ignored, also by long work",
  () => {
    for (const signal of ["INT", "TERM"]) {
      for (const command of ["import", "import --atomic", "restore - --dir new"]) {
        const { stdout, stderr } = sandbox.bash(
          `trap '' ${signal}; mkfifo pipe; "${KVS}" ${command} <pipe & exec 8>pipe; sleep 0.2
          kill -${signal} $!; sleep 0.1; kill -0 $! && echo alive; exec 8>&-; wait $!; rm pipe`,
        );
        expect([signal, command, stdout]).toEqual([signal, command, "alive\n"]);
        expect(stderr).toBeOneOf(["", "kvs: Cannot restore the backup: it breaks off\n"]);
      }
    }
  },
);
