import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { KVS, failed, printed, Sandbox } from "./run-kvs.ts";

/** A store of three keys, one of them removed again. */
function fill(sandbox: Sandbox): void {
  for (const key of ["a", "b", "c"]) sandbox.bytes(["set", key, `value of ${key}`]);
  sandbox.bytes(["rm", "b"]);
}

/** Changes a byte of a value. */
function damage(sandbox: Sandbox, value: string): void {
  const log = sandbox.path("kvs_logs/1.log");
  const bytes = readFileSync(log);
  bytes[bytes.indexOf(value)] = 0x58;
  writeFileSync(log, bytes);
}

describe("backup and restore", () => {
  test.skipIf(Bun.which("prlimit") === null)(
    "that cannot even write their LOCK leave nothing in the way of the next attempt (needs prlimit)",
    () => {
      using sandbox = new Sandbox();
      sandbox.bytes(["set", "a", "1"]);
      sandbox.bytes(["backup", "copy", "-q"]);
      sandbox.bash("mkdir empty");
      for (const target of ["new", "empty"]) {
        for (const attempt of [`restore copy --dir ${target}`, `backup ${target}`]) {
          const limited = sandbox.bash(`prlimit --fsize=100 "${KVS}" -q ${attempt}`);
          expect([attempt, limited.exitCode]).toEqual([attempt, 3]);
          expect(existsSync(sandbox.path(target))).toBe(target === "empty");
        }
        sandbox.bytes(["restore", "copy", "--dir", target, "-q"]);
        expect(sandbox.bytes(["get", "a", "--dir", target]).toString()).toBe("1");
      }
    },
  );

  test("and repair refuse a directory inside the one that they read, whatever it is called", () => {
    using sandbox = new Sandbox();
    fill(sandbox);
    sandbox.bytes(["backup", "copy", "-q"]);
    sandbox.bash("ln -s kvs_logs link; ln -s copy copy-link; mkdir other");
    const before = sandbox.bash("find . | sort").stdout;
    for (const target of [
      "kvs_logs",
      "link",
      "other/../kvs_logs/.",
      "kvs_logs/new",
      "link/new",
      "./link/a/b",
    ]) {
      for (const [command, action] of [
        [`backup ${target}`, "back up"],
        [`repair --to ${target}`, "repair"],
        [`restore kvs_logs --dir ${target}`, "restore"],
      ] as const) {
        const { exitCode, stdout, stderr } = sandbox.bash(`kvs ${command}`);
        expect([command, exitCode, stdout]).toEqual([command, 2, ""]);
        expect(stderr).toMatch(new RegExp(`^kvs: Cannot ${action} ".*kvs_logs" into itself`));
        expect(stderr.includes(`: "${target}" lies in it\n`)).toBe(/new|b$/.test(target));
      }
    }
    expect(sandbox.kvs(["restore", "copy-link", "--dir", "copy/new"]).exitCode).toBe(2);
    expect(sandbox.kvs(["restore", "", "--dir", "new"])).toEqual(
      failed(2, "Cannot open store: its path is empty"),
    );
    expect(sandbox.bash("find . | sort").stdout).toBe(before);
    sandbox.bytes(["backup", "kvs_logs.old", "-q"]);
    sandbox.bytes(["backup", "..kvs", "-q", "--dir", "link"]);
  });

  test("make a store with the same export, by a directory, a file and a pipe", () => {
    using sandbox = new Sandbox();
    fill(sandbox);
    const exported = sandbox.bytes(["export"]);
    expect(sandbox.kvs(["backup", "copy"])).toMatchObject({ exitCode: 0, stdout: "" });
    const archive = sandbox.bytes(["backup", "-"]);
    writeFileSync(sandbox.path("backup.tar"), archive);
    expect(sandbox.kvs(["restore", "copy", "--dir", "one"]).stderr).toMatch(
      /^kvs: Restored 1 log, .*"one"\n$/,
    );
    expect(sandbox.kvs(["restore", "backup.tar", "--dir", "two"]).exitCode).toBe(0);
    expect(sandbox.kvs(["restore", "-", "--dir", "three", "-q"], { stdin: archive })).toEqual(printed(""));
    for (const directory of ["copy", "one", "two", "three"]) {
      expect(sandbox.bytes(["export", "--dir", directory])).toEqual(exported);
      expect(statSync(sandbox.path(directory)).mode & 0o777).toBe(0o700);
      for (const name of readdirSync(sandbox.path(directory)))
        expect([name, statSync(sandbox.path(`${directory}/${name}`)).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  test("give the new store its indexes, so that its readers need not read the logs", () => {
    using sandbox = new Sandbox();
    fill(sandbox);
    sandbox.bytes(["backup", "copy", "-q"]);
    sandbox.bytes(["restore", "copy", "--dir", "restored", "-q"]);
    expect(readdirSync(sandbox.path("restored")).toSorted()).toEqual([
      "1.idx",
      "1.log",
      "2.log",
      "COMPACT",
      "LOCK",
    ]);
    expect(sandbox.bytes(["get", "a", "--dir", "restored"]).toString()).toBe("value of a");
    expect(sandbox.kvs(["repair", "--dir", "copy", "--to", "repaired", "-q"]).exitCode).toBe(0);
    expect(readdirSync(sandbox.path("repaired"))).toContain("1.idx");
  });

  test("unpacked without them, it gets its indexes from the first write, which does not wait for them", () => {
    using sandbox = new Sandbox();
    const lines = Array.from({ length: 2000 }, (_, at) => JSON.stringify({ key: `k${at}`, value: "v" }));
    sandbox.bytes(["import"], { stdin: lines.join("\n") });
    const { stdout } = sandbox.bash(
      `kvs backup copy -q; ls copy; kvs set a b --dir copy
       for i in $(seq 1000); do [ -e copy/1.idx ] && break; sleep 0.01; done; ls copy; kvs get k7 --dir copy`,
    );
    expect(stdout.replaceAll("\n", " ")).toBe("1.log 1.idx 1.log 2.log COMPACT LOCK v");
  });

  test("a tar unpacks the archive, and sha256sum verifies it", () => {
    using sandbox = new Sandbox();
    fill(sandbox);
    const { exitCode, stdout } = sandbox.bash(
      `kvs backup - > b.tar && mkdir out && tar -xf b.tar -C out && cd out && sha256sum -c --quiet SHA256SUMS && kvs get a --dir .`,
    );
    expect([exitCode, stdout]).toEqual([0, "value of a"]);
  });

  test("refuse what is not empty, damaged, missing or a terminal, and leave nothing behind", async () => {
    using sandbox = new Sandbox();
    fill(sandbox);
    sandbox.bytes(["set", "a", "1", "--dir", "full"]);
    expect(sandbox.kvs(["backup", "full"])).toMatchObject({ exitCode: 3, stdout: "" });
    expect(sandbox.kvs(["restore", "nothing", "--dir", "target"])).toMatchObject({ exitCode: 3 });
    const archive = sandbox.bytes(["backup", "-"]);
    const cut = archive.subarray(0, 700);
    expect(sandbox.kvs(["restore", "-", "--dir", "target"], { stdin: cut })).toMatchObject({
      exitCode: 4,
      stdout: "",
      stderr: "kvs: Cannot restore the backup: it breaks off\n",
    });
    expect(sandbox.kvs(["restore", "-", "--dir", "kvs_logs"], { stdin: archive }).exitCode).toBe(3);
    expect(existsSync(sandbox.path("target"))).toBe(false);
    expect(await sandbox.atTerminal(["backup", "-"])).toContain("Cannot back up to a terminal");
    expect(sandbox.kvs(["backup"]).exitCode).toBe(2);
    expect(sandbox.kvs(["restore"]).exitCode).toBe(2);
  });

  test("a backup is made of a store that may only be read", () => {
    if (process.getuid?.() !== 0) return;
    using sandbox = new Sandbox();
    fill(sandbox);
    chmodSync(sandbox.directory, 0o777);
    chmodSync(sandbox.path("kvs_logs"), 0o755);
    for (const name of readdirSync(sandbox.path("kvs_logs")))
      chmodSync(sandbox.path(`kvs_logs/${name}`), 0o644);
    expect(sandbox.kvs(["backup", "copy", "-q"], { uid: 12_345 })).toEqual(printed(""));
    expect(sandbox.bytes(["export", "--dir", "copy"])).toEqual(sandbox.bytes(["export"]));
  });

  test.each(["backup -", "export"])("%s to a pipe that nobody reads dies of a signal at once", (command) => {
    using sandbox = new Sandbox();
    sandbox.bytes(["set", "k", "-"], { stdin: Buffer.alloc(4_000_000, "v") });
    const { stdout } = sandbox.bash(
      `mkfifo pipe; { head -c 512 > started; exec sleep 600; } < pipe & reader=$!
       "${KVS}" ${command} > pipe & backup=$!
       until [ -s started ]; do sleep 0.02; done
       kill -TERM $backup
       for i in $(seq 100); do kill -0 $backup 2>/dev/null || break; sleep 0.05; done
       kill -0 $backup 2>/dev/null && echo lives
       kill $reader; wait $backup; echo $?`,
    );
    expect(stdout).toBe("143\n");
    expect(sandbox.kvs(["verify"]).exitCode).toBe(0);
  });

  test("a backup goes on while others write, and holds whole batches", async () => {
    using sandbox = new Sandbox();
    const writer = Bun.spawn(
      [
        "bash",
        "-c",
        `for i in $(seq 200); do printf '{"Set":{"key":"a","value":"%s"}}\\n{"Set":{"key":"b","value":"%s"}}\\n' $i $i | "${KVS}" batch || exit 1; done`,
      ],
      { cwd: sandbox.directory, env: {}, stderr: "ignore" },
    );
    let taken = 0;
    while (writer.exitCode === null && taken < 15) {
      await Bun.sleep(20);
      const ended = sandbox.kvs(["backup", `copy${taken}`, "-q"]);
      if (ended.exitCode === 3 && !existsSync(sandbox.path("kvs_logs/LOCK"))) continue;
      expect(ended).toEqual(printed(""));
      const get = (key: string): string => sandbox.kvs(["get", key, "--dir", `copy${taken}`]).stdout;
      expect(get("a")).toBe(get("b"));
      taken += 1;
    }
    writer.kill();
    await writer.exited;
    expect(taken).toBeGreaterThan(3);
  });
});

describe("repair", () => {
  test("writes what is whole into a new store, and lists what was lost", () => {
    using sandbox = new Sandbox();
    fill(sandbox);
    damage(sandbox, "value of a");
    expect(sandbox.kvs(["get", "a"]).exitCode).toBe(4);
    const { exitCode, stdout, stderr } = sandbox.kvs(["repair", "--to", "new"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^lost: ".*\/kvs_logs\/1\.log" at offset 64, 31 bytes: a record fails its checksum at offset 72; keys: "a"\n$/,
    );
    expect(stderr).toMatch(
      /^kvs: Wrote 3 records in 1 log, .*, to "new"\. What was lost may have been newer/,
    );
    expect(sandbox.bytes(["list", "--dir", "new"]).toString()).toBe("c\tvalue of c\n");
    expect(sandbox.kvs(["verify", "--dir", "new"]).exitCode).toBe(0);
    expect(sandbox.kvs(["get", "a"]).exitCode).toBe(4);
  });

  test("needs --to, a store, and an empty directory", () => {
    using sandbox = new Sandbox();
    expect(sandbox.kvs(["repair", "--to", "new"]).exitCode).toBe(3);
    fill(sandbox);
    expect(sandbox.kvs(["repair"])).toMatchObject({ exitCode: 2, stdout: "" });
    mkdirSync(sandbox.path("full"));
    writeFileSync(sandbox.path("full/notes"), "");
    expect(sandbox.kvs(["repair", "--to", "full"]).stderr).toContain("it is not empty");
    expect(readdirSync(sandbox.path("full"))).toEqual(["notes"]);
  });
});

describe("log", () => {
  test("prints every record as its command, with where it stands and its state", () => {
    using sandbox = new Sandbox();
    fill(sandbox);
    const lines = sandbox.bytes(["log"]).toString();
    expect(lines.split("\n").map((line) => line.split("\t").slice(3))).toEqual([
      ["live", '{"Set":{"key":"a","value":"value of a"}}'],
      ["stale", '{"Set":{"key":"b","value":"value of b"}}'],
      ["live", '{"Set":{"key":"c","value":"value of c"}}'],
      ["stale", '{"Remove":{"key":"b"}}'],
      [],
    ]);
    expect(lines.startsWith("1.log\t72\t23\t")).toBe(true);
    const objects = sandbox.bytes(["log", "1", "--json"]).toString().trimEnd().split("\n");
    expect(JSON.parse(objects[0] ?? "")).toEqual({
      log: "1.log",
      offset: 72,
      bytes: 23,
      state: "live",
      command: '{"Set":{"key":"a","value":"value of a"}}',
    });
    // What it prints of a log can be imported.
    sandbox.bash(`kvs log | cut -f5 | kvs import --dir copy`);
    expect(sandbox.bytes(["export", "--dir", "copy"])).toEqual(sandbox.bytes(["export"]));
  });

  test("goes on behind damage, and exits 4", () => {
    using sandbox = new Sandbox();
    fill(sandbox);
    damage(sandbox, "value of a");
    const { exitCode, stdout, stderr } = sandbox.kvs(["log"]);
    expect(exitCode).toBe(4);
    expect(stdout.split("\n").length).toBe(5);
    expect(stdout.split("\t").slice(3, 5)[0]).toBe("damaged");
    expect(stderr).toBe("kvs: Cannot read all records: 1 place damaged, see kvs verify\n");
  });

  test("exits 4 as well where damage in another log hides the state of what it prints", () => {
    using sandbox = new Sandbox();
    fill(sandbox);
    sandbox.bytes(["backup", "copy", "-q"]);
    sandbox.bytes(["set", "a", "newer"]);
    sandbox.bytes(["set", "z", "last"]);
    const log = sandbox.path("kvs_logs/2.log");
    const bytes = readFileSync(log);
    bytes[bytes.indexOf("newer")] = 0x58;
    writeFileSync(log, bytes);
    const { exitCode, stdout, stderr } = sandbox.kvs(["log", "1", "--json"]);
    const states = stdout.trimEnd().split("\n");
    expect(states.map((line) => (JSON.parse(line) as { state: string }).state)).toEqual(
      Array(4).fill("unknown"),
    );
    expect([exitCode, stderr]).toEqual([
      4,
      "kvs: Cannot tell the state of 4 records: the store is damaged, see kvs verify\n",
    ]);
  });

  test("refuses a generation that is none, or that there is not", () => {
    using sandbox = new Sandbox();
    expect(sandbox.kvs(["log"]).exitCode).toBe(3);
    fill(sandbox);
    for (const generation of ["0", "-1", "x", "1.5", "99"])
      expect([generation, sandbox.kvs(["log", "--", generation]).exitCode]).toEqual([generation, 2]);
  });
});
