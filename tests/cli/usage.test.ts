import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "bun";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ALL_COMMANDS } from "../../src/cli/all-commands.ts";
import { Sandbox, failed, printed } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

const SOURCES = join(import.meta.dir, "../../src/cli");
const COMMANDS: readonly string[] = ALL_COMMANDS.map(({ meta }) => meta.name);

test("An exception that nobody expects exits 70, and asks in one line to be reported, also when quiet", () => {
  const script = `import { set } from ${JSON.stringify(join(SOURCES, "commands/set.ts"))};
    import { run } from ${JSON.stringify(join(SOURCES, "run.ts"))};
    set.run = () => { throw new TypeError("x is no function"); };
    process.exit(await run(["set", "-q", "k", "v"]));`;
  const { exitCode, stdout, stderr } = spawnSync([process.execPath, "-e", script], {
    cwd: sandbox.directory,
  });
  expect([exitCode, stdout.toString()]).toEqual([70, ""]);
  expect(stderr.toString()).toMatch(
    /^kvs: Internal error in kvs .+, please report it: TypeError: x is no function\n$/,
  );
});

describe("help", () => {
  test("kvs alone prints the usage on standard error and exits 2", () => {
    const { exitCode, stdout, stderr } = sandbox.kvs([]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain("Usage: kvs [FLAGS] COMMAND [ARGUMENTS]");
  });

  test("is the same for --help, -h and help, and names every command and exit code", () => {
    const help = sandbox.kvs(["--help"]);
    expect(help).toMatchObject({ exitCode: 0, stderr: "" });
    expect(sandbox.kvs(["-h"])).toEqual(help);
    expect(sandbox.kvs(["help"])).toEqual(help);
    for (const command of COMMANDS) expect(help.stdout).toContain(`\n  ${command} `);
    for (const code of [0, 1, 2, 3, 4, 5, 70]) expect(help.stdout).toMatch(new RegExp(`\n  ${code} +\\S`));
  });

  test.each(COMMANDS)("of %s is the same by all three ways, and has an example", (command) => {
    const help = sandbox.kvs(["help", command]);
    expect(help).toMatchObject({ exitCode: 0, stderr: "" });
    expect(help.stdout).toContain(`\nUsage: kvs ${command}`);
    expect(help.stdout).toMatch(/\nExamples?:\n {2}\S/);
    expect(sandbox.kvs([command, "--help"])).toEqual(help);
    expect(sandbox.kvs([command, "-h"])).toEqual(help);
    expect(sandbox.kvs(["-h", command])).toEqual(help);
  });

  test.each(COMMANDS)("of %s has examples that work as pasted", (command) => {
    const [, examples = ""] = sandbox.kvs(["help", command]).stdout.split(/\nExamples?:\n/);
    sandbox.bytes(["set", "greeting", "hi"]);
    sandbox.bytes(["rm", "greeting"]);
    for (const example of examples.trim().split("\n")) {
      const { exitCode, stderr } = sandbox.bash(example.trim());
      expect({
        example,
        exitCode,
        stderr: stderr.replace(/^kvs: (Freed|Wrote|Backed up|Restored) .*\n/gm, ""),
      }).toEqual({
        example,
        exitCode: 0,
        stderr: "",
      });
    }
  });

  test("prints the version", () => {
    const manifest = JSON.parse(readFileSync(join(import.meta.dir, "../../package.json"), "utf8")) as {
      version: string;
    };
    expect(sandbox.kvs(["--version"])).toEqual(printed(`kvs ${manifest.version}\n`));
    expect(sandbox.kvs(["-V"])).toEqual(printed(`kvs ${manifest.version}\n`));
  });

  test("has no colours in a pipe, and none where they are unwanted", async () => {
    expect(sandbox.kvs(["help"]).stdout).not.toContain("\x1b");
    expect(await sandbox.atTerminal(["help"])).toContain("\x1b[1m");
    expect(await sandbox.atTerminal(["help"], { env: { NO_COLOR: "" } })).toContain("\x1b[1m");
    expect(await sandbox.atTerminal(["help"], { env: { NO_COLOR: "0" } })).not.toContain("\x1b");
    expect(await sandbox.atTerminal(["help"], { env: { TERM: "dumb" } })).not.toContain("\x1b");
    expect(await sandbox.atTerminal(["help", "--no-color"])).not.toContain("\x1b");
  });
});

describe("usage errors", () => {
  test("name the command that was meant", () => {
    expect(sandbox.kvs(["gte", "k"])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        'kvs: Unknown command "gte", did you mean "get"?\nUsage: kvs [FLAGS] COMMAND [ARGUMENTS]\nMore: kvs --help\n',
    });
    expect(sandbox.kvs(["frobnicate"]).stderr).toStartWith('kvs: Unknown command "frobnicate"\n');
    expect(sandbox.kvs(["help", "lst"]).stderr).toStartWith(
      'kvs: Unknown command "lst", did you mean "list"?\n',
    );
    expect(sandbox.kvs(["SET", "k", "v"]).stderr).toStartWith(
      'kvs: Unknown command "SET", did you mean "set"?\n',
    );
    expect(sandbox.kvs(["toString"]).exitCode).toBe(2);
    expect(sandbox.kvs([""]).exitCode).toBe(2);
  });

  test.each(COMMANDS)("of %s: an unknown flag and surplus arguments exit 2", (command) => {
    for (const extra of [["--no-such-flag"], ["a", "b", "c", "d"]]) {
      const { exitCode, stdout, stderr } = sandbox.kvs([command, ...extra]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toMatch(new RegExp(`^kvs: U.+\nUsage: kvs ${command}.*\nMore: kvs help ${command}\n$`));
    }
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
  });

  test.each([
    [{ KVS_WAIT: "soon" }, 'KVS_WAIT is "soon", expected a duration such as 500ms, 10s, 5m, 2h or 7d'],
    [{ KVS_DURABILITY: "disk" }, 'KVS_DURABILITY is "disk", expected sync or os'],
    [{ KVS_FORMAT: "xml" }, 'KVS_FORMAT is "xml", expected binary or json'],
    [
      { KVS_DIR: "redis://host" },
      'Cannot open store "redis://host": "redis" is no known kind of store, expected a directory',
    ],
  ])("refuse the environment %j", (env, message) => {
    const { exitCode, stdout, stderr } = sandbox.kvs(["get", "k"], { env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toStartWith(`kvs: ${message}\nUsage: kvs get`);
  });

  test.each([
    [["--wait", "5"], '--wait is "5", expected a duration such as 500ms, 10s, 5m, 2h or 7d'],
    [["--durability=none"], '--durability is "none", expected sync or os'],
    [["--format", "toml"], '--format is "toml", expected binary or json'],
    [["--dir", ""], "--dir is empty, expected a directory"],
    [
      ["--dir", "http://x"],
      'Cannot open store "http://x": "http" is no known kind of store, expected a directory',
    ],
  ])("refuse the flags %j", (flags, message) => {
    const { exitCode, stderr } = sandbox.kvs(["set", "k", "v", ...flags]);
    expect(exitCode).toBe(2);
    expect(stderr).toStartWith(`kvs: ${message}\n`);
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
  });
});

describe("global flags", () => {
  test("stand before the command or after it", () => {
    expect(sandbox.kvs(["--dir", "d", "--durability", "os", "set", "k", "v"])).toEqual(printed(""));
    expect(sandbox.kvs(["get", "--dir=d", "k"])).toEqual(printed("v"));
    expect(sandbox.kvs(["get", "k", "--dir", "d", "--wait", "1s", "--no-color"])).toEqual(printed("v"));
    expect(sandbox.kvs(["--dir", "d", "get", "k", "--dir", "e"]).exitCode).toBe(2);
  });

  test("-q silences what failed, and not what is wrong with the command line", () => {
    expect(sandbox.kvs(["-q", "get", "k"])).toEqual({ exitCode: 1, stdout: "", stderr: "" });
    expect(sandbox.kvs(["-q", "stats"])).toEqual({ exitCode: 3, stdout: "", stderr: "" });
    expect(sandbox.kvs(["-q", "import"], { stdin: "nonsense" })).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: "",
    });
    expect(sandbox.kvs(["-q", "set", "k"]).stderr).toStartWith(
      "kvs: Missing VALUE, or --file\nUsage: kvs set",
    );
  });

  test("win over the environment, and an empty variable is an unset one", () => {
    const env = { KVS_DIR: "env" };
    sandbox.kvs(["set", "k", "env"], { env });
    sandbox.kvs(["set", "k", "flag", "--dir", "flag"], { env });
    expect(sandbox.kvs(["get", "k"], { env })).toEqual(printed("env"));
    expect(sandbox.kvs(["get", "k", "--dir", "flag"], { env })).toEqual(printed("flag"));
    expect(sandbox.kvs(["get", "k"], { env: { KVS_DIR: "", KVS_WAIT: "", KVS_FORMAT: "" } })).toEqual(
      failed(1, "Key not found"),
    );
  });

  test("--format decides the format of a store that is created, and only of that", () => {
    sandbox.bytes(["set", "k", "v", "--format", "json"]);
    expect(readFileSync(sandbox.path("kvs_logs/1.log"), "utf8")).toEndWith(
      '{"Set":{"key":"k","value":"v"}}\n',
    );
    sandbox.bytes(["set", "l", "w", "--format", "binary"]);
    expect(readFileSync(sandbox.path("kvs_logs/1.log"), "utf8")).toEndWith(
      '{"Set":{"key":"l","value":"w"}}\n',
    );
  });
});
