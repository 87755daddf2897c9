import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { Sandbox } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

const LEAVES_A_TRACE = 'require("fs").writeFileSync("pwned", "");\n';
const LEAVES_A_TRACE_TOO = 'import { writeFileSync } from "fs";\nwriteFileSync("pwned", "");\n';

const COMMANDS: ReadonlyArray<readonly string[]> = [
  ["set", "k", "v"],
  ["get", "k"],
  ["list"],
  ["count"],
  ["stats"],
  ["verify"],
  ["compact"],
  ["export"],
  ["help", "get"],
  ["completions", "bash"],
  ["--version"],
];

function isPwned(): boolean {
  return existsSync(sandbox.path("pwned"));
}

describe("the current directory", () => {
  test("holds nothing that is run", () => {
    const files = {
      ".env": "KVS_DIR=elsewhere\nBUN_OPTIONS=--preload=./evil.js\n",
      ".env.production": "KVS_DIR=elsewhere\n",
      "bunfig.toml": 'preload = ["./evil.js", "./evil.ts"]\n[run]\npreload = ["./evil.js"]\n',
      "package.json":
        '{"main":"./evil.js","scripts":{"preinstall":"touch pwned"},"bun":{"preload":["./evil.js"]}}',
      "tsconfig.json": '{"compilerOptions":{"paths":{"*":["./evil.ts"],"citty":["./evil.ts"]}}}',
      "evil.js": LEAVES_A_TRACE,
      "evil.ts": LEAVES_A_TRACE_TOO,
      "index.js": LEAVES_A_TRACE,
      "kvs.js": LEAVES_A_TRACE,
      set: LEAVES_A_TRACE,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(sandbox.path(name), text);
    for (const name of ["citty", "consola", "node:fs", "fs"]) {
      mkdirSync(sandbox.path(`node_modules/${name}`), { recursive: true });
      writeFileSync(sandbox.path(`node_modules/${name}/index.js`), LEAVES_A_TRACE);
    }
    for (const args of COMMANDS) expect([args, sandbox.kvs(args).exitCode]).toEqual([args, 0]);
    expect(isPwned()).toBe(false);
    expect(existsSync(sandbox.path("elsewhere"))).toBe(false);
  });
});

describe("BUN_OPTIONS", () => {
  for (const flag of ["--preload=", "--preload ", "-r ", "--require ", "--import ", "--config="]) {
    test(`runs no code with ${flag.trim()}`, () => {
      writeFileSync(sandbox.path("evil.js"), LEAVES_A_TRACE);
      writeFileSync(sandbox.path("evil.ts"), LEAVES_A_TRACE_TOO);
      writeFileSync(sandbox.path("bunfig.toml"), 'preload = ["./evil.ts"]\n');
      const files = flag === "--config=" ? ["bunfig.toml"] : ["evil.js", "evil.ts"];
      for (const file of files) {
        const { stdout } = sandbox.kvs(["set", "k", "v"], { env: { BUN_OPTIONS: `${flag}./${file}` } });
        expect(stdout).toBe("");
      }
      expect(isPwned()).toBe(false);
    });
  }

  for (const options of ["-e 1", "--eval=1", "-p 1", "run ./evil.js", "./evil.js", "x ./evil.js"]) {
    test(`is no command line: ${options}`, () => {
      writeFileSync(sandbox.path("evil.js"), LEAVES_A_TRACE);
      const env = { BUN_OPTIONS: options };
      expect(sandbox.kvs(["set", "k", "v"], { env }).exitCode).toBe(0);
      expect(sandbox.bytes(["get", "k"], { env }).toString()).toBe("v");
      expect(isPwned()).toBe(false);
    });
  }
});

test("BUN_INSPECT_PRELOAD runs no code, and what Bun refuses itself prints no data", () => {
  writeFileSync(sandbox.path("evil.js"), LEAVES_A_TRACE);
  for (const env of [
    { BUN_INSPECT_PRELOAD: "./evil.js" },
    { BUN_INSPECT_PRELOAD: sandbox.path("evil.js") },
    { BUN_INSPECT: "127.0.0.1:0" },
    { BUN_JSC_noSuchOption: "1" },
  ])
    expect([env, sandbox.kvs(["get", "k", "--default", "d"], { env })]).toMatchObject([
      env,
      { exitCode: 1, stdout: "" },
    ]);
  expect(isPwned()).toBe(false);
});

describe("what is stored", () => {
  const NASTY = ["$(touch pwned)", "`touch pwned`", "; touch pwned", "|touch pwned", "' ; touch pwned #"];

  test("is not run by a coprocess, nor by what reads its replies", () => {
    const requests = NASTY.flatMap((text) => [`set\t${text}\t${text}`, `get\t${text}`]);
    const { stdout, exitCode } = sandbox.kvs(["shell"], { stdin: `${requests.join("\n")}\nkeys\n` });
    expect(exitCode).toBe(0);
    for (const text of NASTY) expect(stdout).toContain(text);
    const script = `while IFS=$'\\t' read -r key value; do kvs set -- "$key" "$value"; done < <(kvs list)`;
    expect(sandbox.bash(script)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(isPwned()).toBe(false);
  });

  test("is not run where it is the name of a store or of a file", () => {
    for (const text of NASTY.filter((one) => !one.includes("/"))) {
      expect(sandbox.kvs(["--dir", text, "set", "k", "v"]).exitCode).toBe(0);
      expect(sandbox.kvs(["--dir", text, "export", "--", `out ${text}`]).exitCode).toBeWithin(0, 4);
    }
    expect(isPwned()).toBe(false);
  });

  test("cannot move the cursor of a terminal", async () => {
    sandbox.bytes(["set", "esc\u001b]0;title\u0007", "\u001b[2J\u009b2J\r\u0008hidden"]);
    for (const args of [["list"], ["get", "esc\u001b]0;title\u0007"], ["list", "--json"], ["stats"]]) {
      const shown = await sandbox.atTerminal(args);
      // oxlint-disable-next-line no-control-regex -- these are what it is about
      expect([args, /\u001b[\]c]|\u001b\[2J|[\u0007\u0008\u009b]/.test(shown)]).toEqual([args, false]);
    }
  });
});

for (const umask of ["000", "002", "007", "022", "027", "077"]) {
  test(`files are 0600 and the directory 0700 under umask ${umask}`, () => {
    const script = [
      `umask ${umask}`,
      "for n in 1 2 3; do kvs set k $n; done",
      "kvs compact -q",
      "kvs set k 4",
      "kvs get --output value k",
    ];
    expect(sandbox.bash(script.join(" && ")).exitCode).toBe(0);
    expect(modeOf("kvs_logs")).toBe("700");
    const names = readdirSync(sandbox.path("kvs_logs"));
    expect(names).toEqual(expect.arrayContaining(["LOCK", "COMPACT", "1-2.log", "1-2.idx", "3.log"]));
    for (const name of names) expect([name, modeOf(`kvs_logs/${name}`)]).toEqual([name, "600"]);
  });
}

function modeOf(name: string): string {
  return (statSync(sandbox.path(name)).mode & 0o777).toString(8);
}
