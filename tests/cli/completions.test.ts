import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { InteractiveShell } from "./interactive-shell.ts";
import { Sandbox, failed, printed } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

function store(keys: readonly string[], args: readonly string[] = []): void {
  const lines = keys.map((key) => JSON.stringify({ key, value: `VALUE OF ${JSON.stringify(key)}` }));
  sandbox.bytes(["import", ...args], { stdin: lines.join("\n") });
}

/** What the scripts are told of a command line in words, the last of which is being typed. */
function candidates(words: readonly string[], env: Readonly<Record<string, string>> = {}): string[] {
  const stdin = words.map((word) => `${word}\0`).join("");
  const { stdout, stderr, exitCode } = sandbox.kvs(["completions", "fish", "--candidates"], { stdin, env });
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => line.replace(/\t.*/, ""));
}

describe("candidates", () => {
  test("are commands, flags that were not typed yet, and choices", () => {
    expect(candidates(["exi"])).toEqual(["words", "exists"]);
    expect(candidates(["--dir", "x", "per"])).toEqual(["words", "persist"]);
    expect(candidates(["help", "app"])).toEqual(["words", "append"]);
    expect(candidates(["completions", ""])).toEqual(["words", "bash", "zsh", "fish"]);
    expect(candidates(["set", "--if"])).toEqual(["words", "--if-absent", "--if-equals"]);
    expect(candidates(["set", "--if-absent", "--if-a"])).toEqual(["words"]);
    expect(candidates(["--durability", ""])).toEqual(["words", "sync", "os"]);
    expect(candidates(["get", "--format=j"])).toEqual(["words", "--format=json"]);
    expect(candidates(["--ver"])).toEqual(["words", "--version"]);
    expect(candidates(["get", "--ver"])).toEqual(["words"]);
    expect(candidates(["nonsense", ""])).toEqual(["words"]);
  });

  test("are paths where the shell knows better", () => {
    expect(candidates(["--dir", ""])).toEqual(["directories"]);
    expect(candidates(["get", "--dir=x"])).toEqual(["directories"]);
    expect(candidates(["set", "k", "--file", ""])).toEqual(["files"]);
    expect(candidates(["get", "--output=x"])).toEqual(["files"]);
    expect(candidates(["import", ""])).toEqual(["files"]);
    expect(candidates(["set", "k", ""])).toEqual(["words"]);
  });

  test("are the keys of the store that the line names, else the environment, else the working directory", () => {
    store(["here"]);
    store(["there"], ["--dir", "there"]);
    expect(candidates(["get", ""])).toEqual(["words", "here"]);
    expect(candidates(["get", "the"])).toEqual(["words"]);
    expect(candidates(["get", ""], { KVS_DIR: "there" })).toEqual(["words", "there"]);
    expect(candidates(["--dir", "there", "get", "t"])).toEqual(["words", "there"]);
    expect(candidates(["get", "--dir=there", ""])).toEqual(["words", "there"]);
    expect(candidates(["get", "--dir", "~/there", ""], { HOME: sandbox.directory })).toEqual([
      "words",
      "there",
    ]);
    expect(candidates(["list", "--from", "h"])).toEqual(["words", "here"]);
    expect(candidates(["rm", "--prefix=h"])).toEqual(["words", "--prefix=here"]);
    for (const command of ["get", "set", "rm", "exists", "incr", "append", "ttl", "expire", "persist"]) {
      expect(candidates([command, "her"])).toEqual(["words", "here"]);
    }
  });

  test("are not what a flag stands for already, or what would be taken for a flag", () => {
    store(["-dash", "plain"]);
    expect(candidates(["get", ""])).toEqual(["words", "plain"]);
    expect(candidates(["get", "--", ""])).toEqual(["words", "-dash", "plain"]);
    expect(candidates(["get", "--", "-"])).toEqual(["words", "-dash"]);
    expect(candidates(["list", "--from", "-"])).toEqual(["words", "-dash"]);
    expect(candidates(["get", "--key-hex", "ff", ""])).toEqual(["words"]);
    expect(candidates(["get", "k", ""])).toEqual(["words"]);
  });

  test("are never keys that cannot be typed or seen", () => {
    store([
      "good",
      "",
      "new\nline",
      "tab\tkey",
      "nul\0",
      "esc\u001b[31m",
      "c1\u0085",
      "bidi\u202e",
      "sep\u2028",
      "\ufeffbom",
    ]);
    sandbox.bytes(["set", "--key-hex", "ff", "v"]);
    expect(candidates(["get", ""])).toEqual(["words", "good"]);
  });

  test("are at most a thousand keys", () => {
    store(Array.from({ length: 1500 }, (_, at) => `k${at}`));
    expect(candidates(["get", "k"])).toHaveLength(1001);
  });

  test("are none, without a word, where the store or the line is of no use", () => {
    expect(candidates(["get", ""])).toEqual(["words"]);
    expect(readdirSync(sandbox.directory)).toEqual([]);
    store(["k"]);
    sandbox.bash("printf 'garbage' | dd of=kvs_logs/1.log bs=1 conv=notrunc status=none");
    expect(candidates(["get", ""])).toEqual(["words"]);
    expect(candidates(["--dir", "", "get", ""])).toEqual(["words"]);
    expect(candidates(["rm", "--key-hex", "6b", "--prefix", "k", ""])).toEqual(["words"]);
    expect(candidates([])).toContain("get");
  });

  test("are for shells that are known", () => {
    expect(sandbox.kvs(["completions", "tcsh"]).stderr).toStartWith(
      'kvs: SHELL is "tcsh", expected bash, zsh or fish\n',
    );
    expect(sandbox.kvs(["completions", "tcsh"]).exitCode).toBe(2);
    expect(sandbox.kvs(["completions"]).exitCode).toBe(2);
  });

  test("a broken pipe behind them is no error", () => {
    expect(sandbox.bash("kvs completions bash >/dev/full")).toEqual(
      failed(3, "Cannot write standard output: no space left on device"),
    );
    expect(sandbox.bash("kvs completions bash --candidates </dev/null")).toEqual(printed("words\n"));
  });
});

/** Keys that a shell would read as something else, each with what a person would type of it before Tab. */
const HOSTILE: ReadonlyArray<readonly [key: string, typed: string]> = [
  ["plain", "pl"],
  ["user:1:name", "user:1"],
  ["with space", "with"],
  ["two  spaces ", "two"],
  ["dollar$HOME", "dollar"],
  ["command$(touch pwned)", "comm"],
  ["backtick`touch pwned`", "back"],
  ["single'quote", "single"],
  ['double"quote', "dou"],
  ["semicolon;touch pwned", "semi"],
  ["pipe|touch pwned", "pipe"],
  ["and&touch pwned", "and"],
  ["redirect>pwned", "redi"],
  ["star*", "star"],
  ["query?", "query"],
  ["bracket[a-z]", "bracket"],
  ["brace{a,b}", "brace"],
  ["paren(x)", "paren"],
  ["hash #x", "hash"],
  ["bang!x", "bang"],
  ["caret^a^b", "caret"],
  ["slash\\back", "slash"],
  ["equals=x", "eq"],
  ["percent%s%n", "percent"],
  ["at@x", "at"],
  ["tilde~", "tilde"],
  ["~root", "\\~"],
  ["#comment", "\\#"],
  ["path/to/x", "path/"],
  ["unicode é漢🎉", "unicode"],
  ["é", "é"],
];

/** Typed in a quote that is still open; Tab closes it. */
const QUOTED: ReadonlyArray<readonly [key: string, typed: string]> = [
  ["with space", '"with'],
  ["dollar$HOME", '"dol'],
  ["command$(touch pwned)", '"comm'],
  ["backtick`touch pwned`", '"back'],
  ['double"quote', '"dou'],
  ["slash\\back", '"slash'],
  ["with space", "'with"],
  ["dollar$HOME", "'dol"],
  ["command$(touch pwned)", "'comm"],
  ['double"quote', "'dou"],
  ["slash\\back", "'slash"],
];

/** Several keys that go on differently where each needs a backslash. */
const ALIKE = ["same;touch pwned", "same$(touch pwned)", "same'x", "same one"];

for (const name of ["bash", "zsh", "fish"] as const) {
  describe.skipIf(Bun.which(name) === null)(`in ${name}`, () => {
    test("keys are completed so that the command gets them as they are", async () => {
      store(HOSTILE.map(([key]) => key));
      await using shell = await InteractiveShell.start(name, sandbox);
      for (const [key, typed] of [...HOSTILE, ...QUOTED]) {
        const shown = await shell.run(`kvs get ${typed}\t`);
        expect(`${typed}: ${shown}`).toContain(`VALUE OF ${JSON.stringify(key)}`);
      }
      expect(existsSync(sandbox.path("pwned"))).toBe(false);
    }, 120_000);

    test("nothing of several keys is run or expanded when they are offered", async () => {
      store(ALIKE);
      await using shell = await InteractiveShell.start(name, sandbox);
      for (const typed of ["same", "'same", '"same', "sam"]) {
        // Whatever stands there by then is killed, from the cursor back.
        await shell.run(`kvs get ${typed}\t\t\t\x15true`);
      }
      expect(existsSync(sandbox.path("pwned"))).toBe(false);
      expect(await shell.run("echo still; echo here")).toContain("still\r\nhere");
    }, 60_000);

    test("commands, flags, choices, directories and keys elsewhere are completed", async () => {
      store(["plain"]);
      store(["elsewhere"], ["--dir", "other dir"]);
      await using shell = await InteractiveShell.start(name, sandbox);
      const get = `VALUE OF "elsewhere"`;
      expect(await shell.run("kvs comple\tba\t | head -c 30")).toContain("# Completion of kvs for bash");
      expect(await shell.run("kvs get --def\tfallback none")).toContain("fallback");
      expect(await shell.run("kvs get --durability o\tpl\t")).toContain('VALUE OF "plain"');
      expect(await shell.run("kvs get --dir oth\t els\t")).toContain(get);
      expect(await shell.run("kvs get --dir=other\\ dir els\t")).toContain(get);
      expect(await shell.run("kvs --dir 'other dir' get els\t")).toContain(get);
      expect(await shell.run("kvs list --keys --from pl\t")).toContain("plain");
    }, 60_000);

    test("KVS_DIR is respected", async () => {
      store(["elsewhere"], ["--dir", "other"]);
      await using shell = await InteractiveShell.start(name, sandbox, { KVS_DIR: "other" });
      expect(await shell.run("kvs get els\t")).toContain('VALUE OF "elsewhere"');
    }, 60_000);
  });
}

describe.skipIf(Bun.which("bash") === null)("in bash alone", () => {
  test("each of several keys is whole where Tab types one after the other", async () => {
    store(ALIKE);
    await using shell = await InteractiveShell.start("bash", sandbox);
    await shell.run("bind '\"\\t\": menu-complete'");
    const shown: string[] = [];
    for (let tabs = 1; tabs <= ALIKE.length; tabs++) {
      shown.push(await shell.run(`kvs get same${"\t".repeat(tabs)}`));
    }
    for (const key of ALIKE) expect(shown.join()).toContain(`VALUE OF ${JSON.stringify(key)}`);
    expect(existsSync(sandbox.path("pwned"))).toBe(false);
  }, 60_000);

  test("keys are completed behind redirections and assignments, and not where a variable hides the store", async () => {
    store(["elsewhere"], ["--dir", "other"]);
    await using shell = await InteractiveShell.start("bash", sandbox, { OTHER: "other" });
    expect(await shell.run("A=1 kvs get --dir other 2>/dev/null els\t")).toContain('VALUE OF "elsewhere"');
    expect(await shell.run("kvs get --dir $OTHER els\t")).toContain("Key not found");
    await shell.run("echo text >target");
    expect(await shell.run("kvs list --dir other <tar\t >/dev/null ; echo code $?")).toContain("code 0");
  }, 60_000);
});
