import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { Sandbox, failed, printed } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

describe("set and get", () => {
  test("give a value back without adding a newline", () => {
    expect(sandbox.kvs(["set", "k", "hello"])).toEqual(printed(""));
    expect(sandbox.kvs(["get", "k"])).toEqual(printed("hello"));
  });

  test.each(["", " ", "\n", " a\n\n", "é漢🎉", "a\tb", "'\"$HOME`", "\ufffd"])(
    "give %j back as it is",
    (value) => {
      sandbox.bytes(["set", "k", "--", value]);
      expect(sandbox.bytes(["get", "k"]).toString()).toBe(value);
    },
  );

  test.each([
    ["every byte", ALL_BYTES],
    ["nothing", Buffer.alloc(0)],
    ["a megabyte", Buffer.alloc(1_000_003, "kvs\0\n")],
  ])("carry %s from standard input and from a file", (_, bytes) => {
    sandbox.bytes(["set", "piped", "-"], { stdin: bytes });
    expect(sandbox.bytes(["get", "piped"])).toEqual(bytes);
    writeFileSync(sandbox.path("in"), bytes);
    sandbox.bytes(["set", "--file", "in", "filed"]);
    expect(sandbox.bytes(["get", "filed"])).toEqual(bytes);
    sandbox.bytes(["get", "filed", "--output", "out"]);
    expect(readFileSync(sandbox.path("out"))).toEqual(bytes);
  });

  test("take arguments that look like flags after --", () => {
    expect(sandbox.kvs(["set", "k", "--", "--help"])).toEqual(printed(""));
    expect(sandbox.kvs(["get", "k"])).toEqual(printed("--help"));
    expect(sandbox.kvs(["set", "--", "--key", "-"])).toEqual(printed(""));
    expect(sandbox.kvs(["get", "--", "--key"])).toEqual(printed("-"));
  });

  test("take a negative number without --", () => {
    sandbox.bytes(["set", "n", "-5"]);
    expect(sandbox.kvs(["get", "n"])).toEqual(printed("-5"));
  });

  test("take keys of any bytes as hexadecimal digits", () => {
    sandbox.bytes(["set", "--key-hex", "ff0A", "v"]);
    expect(sandbox.kvs(["get", "--key-hex", "FF0a"])).toEqual(printed("v"));
    sandbox.bytes(["set", "key", "w"]);
    expect(sandbox.kvs(["get", "--key-hex", "6b6579"])).toEqual(printed("w"));
    expect(sandbox.kvs(["get", "--key-hex", "f"]).stderr).toStartWith(
      'kvs: --key-hex is "f", expected pairs of hexadecimal digits\nUsage: kvs get KEY',
    );
  });

  test("refuse arguments that are not UTF-8, and say what to do", () => {
    const message =
      "kvs: An argument is not UTF-8: give such a key with --key-hex HEX, such a value on standard input with -\n";
    for (const script of [
      String.raw`kvs set k $'\xff'`,
      String.raw`kvs set $'\xff' v`,
      String.raw`kvs get $'\ufffd\xff'`,
    ]) {
      const { exitCode, stderr } = sandbox.bash(script);
      expect({ exitCode, stderr: stderr.slice(0, message.length) }).toEqual({ exitCode: 2, stderr: message });
    }
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
  });
});

describe("get", () => {
  test("of a missing key prints nothing and exits 1", () => {
    expect(sandbox.kvs(["get", "k"])).toEqual(failed(1, "Key not found"));
    sandbox.bytes(["set", "other", "v"]);
    expect(sandbox.kvs(["get", "k"])).toEqual(failed(1, "Key not found"));
    expect(sandbox.kvs(["get", "k", "-q"])).toEqual({ exitCode: 1, stdout: "", stderr: "" });
  });

  test("of a missing key prints the default, as it would print a value", () => {
    expect(sandbox.kvs(["get", "k", "--default", "d"])).toEqual(printed("d"));
    expect(sandbox.kvs(["get", "k", "--default="])).toEqual(printed(""));
    expect(sandbox.kvs(["get", "k", "--default", "d", "-n"])).toEqual(printed("d\n"));
  });

  test("-n adds a newline only where there is none", () => {
    sandbox.bytes(["set", "without", "v"]);
    sandbox.bytes(["set", "with", "v\n"]);
    sandbox.bytes(["set", "empty", ""]);
    expect(sandbox.kvs(["get", "without", "-n"])).toEqual(printed("v\n"));
    expect(sandbox.kvs(["get", "with", "-n"])).toEqual(printed("v\n"));
    expect(sandbox.kvs(["get", "empty", "--newline"])).toEqual(printed("\n"));
  });

  test("--output leaves the file alone when the key is missing", () => {
    writeFileSync(sandbox.path("out"), "old");
    expect(sandbox.kvs(["get", "k", "--output", "out"])).toEqual(failed(1, "Key not found"));
    expect(readFileSync(sandbox.path("out"), "utf8")).toBe("old");
    expect(sandbox.kvs(["get", "k", "--output", "new"]).exitCode).toBe(1);
    expect(existsSync(sandbox.path("new"))).toBe(false);
  });

  test("--output says why a file cannot be written", () => {
    sandbox.bytes(["set", "k", "v"]);
    expect(sandbox.kvs(["get", "k", "--output", "no/out"])).toEqual(
      failed(3, 'Cannot open "no/out": no such file or directory'),
    );
    expect(sandbox.kvs(["get", "k", "--output", ""])).toEqual(
      failed(3, 'Cannot open "": no such file or directory'),
    );
  });

  test("--output leaves the file as it was when the disk is full, and nothing beside it", () => {
    sandbox.bytes(["set", "k", "-"], { stdin: Buffer.alloc(200_000, "new") });
    writeFileSync(sandbox.path("out"), "old");
    const { exitCode, stderr } = sandbox.bash(`trap '' XFSZ; ulimit -f 100; kvs get k --output out`);
    expect([exitCode, stderr]).toEqual([3, 'kvs: Cannot write "out": file too large\n']);
    expect(readFileSync(sandbox.path("out"), "utf8")).toBe("old");
    expect(readdirSync(sandbox.directory).toSorted()).toEqual(["kvs_logs", "out"]);
  });

  test("--output puts another file into place, with the permissions of the one before", () => {
    sandbox.bytes(["set", "k", "new"]);
    writeFileSync(sandbox.path("out"), "old");
    chmodSync(sandbox.path("out"), 0o640);
    const before = statSync(sandbox.path("out")).ino;
    expect(sandbox.bash(`exec 3<out; kvs get k --output out; cat <&3`)).toEqual(printed("old"));
    const { ino, mode } = statSync(sandbox.path("out"));
    expect([readFileSync(sandbox.path("out"), "utf8"), mode & 0o777]).toEqual(["new", 0o640]);
    expect(ino).not.toBe(before);
    expect(readdirSync(sandbox.directory).toSorted()).toEqual(["kvs_logs", "out"]);
  });

  test("--output writes through links, and to files with two names", () => {
    sandbox.bytes(["set", "k", "new"]);
    for (const name of ["target", "one"]) writeFileSync(sandbox.path(name), "something longer");
    symlinkSync("target", sandbox.path("link"));
    linkSync(sandbox.path("one"), sandbox.path("two"));
    for (const name of ["link", "two"]) sandbox.bytes(["get", "k", "--output", name]);
    expect(lstatSync(sandbox.path("link")).isSymbolicLink()).toBe(true);
    for (const name of ["target", "one"]) expect(readFileSync(sandbox.path(name), "utf8")).toBe("new");
  });

  test("--output writes to pipes and devices", () => {
    sandbox.bytes(["set", "k", "v"]);
    expect(sandbox.bash(`kvs get k --output /dev/stdout | cat`)).toEqual(printed("v"));
    expect(sandbox.bash(`kvs get k --output /dev/stdout > file; cat file`)).toEqual(printed("v"));
    expect(sandbox.kvs(["get", "k", "--output", "/dev/null"])).toEqual(printed(""));
    expect(sandbox.kvs(["get", "k", "--output", "/dev/full"]).exitCode).toBe(3);
    expect(sandbox.bash(`mkfifo pipe; cat pipe & kvs get k --output pipe; wait`)).toEqual(printed("v"));
    expect(lstatSync(sandbox.path("pipe")).isFIFO()).toBe(true);
    expect(sandbox.bash(`{ echo before; kvs get k --output /dev/fd/1; } | cat`)).toEqual(
      printed("before\nv"),
    );
  });

  test("--output writes to a file where no other may be put beside it, and to none that is protected", () => {
    if (process.getuid?.() !== 0) return;
    sandbox.bytes(["set", "k", "v"]);
    chmodSync(sandbox.path("kvs_logs"), 0o755);
    for (const name of readdirSync(sandbox.path("kvs_logs")))
      chmodSync(sandbox.path(`kvs_logs/${name}`), 0o644);
    chmodSync(sandbox.directory, 0o755);
    for (const [name, mode] of [
      ["open", 0o666],
      ["protected", 0o644],
    ] as const) {
      writeFileSync(sandbox.path(name), "old");
      chmodSync(sandbox.path(name), mode);
    }
    expect(sandbox.kvs(["get", "k", "--output", "open"], { uid: 12_345 })).toEqual(printed(""));
    expect(sandbox.kvs(["get", "k", "--output", "protected"], { uid: 12_345 })).toEqual(
      failed(3, 'Cannot open "protected": permission denied'),
    );
    const contents = ["open", "protected"].map((name) => readFileSync(sandbox.path(name), "utf8"));
    expect(contents).toEqual(["v", "old"]);
  });

  test("at a terminal shows control bytes and ends the line", async () => {
    sandbox.bytes(["set", "k", "a\x1b[31m\tb\nc"]);
    expect(await sandbox.atTerminal(["get", "k"])).toBe("a\\x1b[31m\tb\r\nc\r\n");
  });
});

describe("set", () => {
  test("--if-absent stores only a first value", () => {
    expect(sandbox.kvs(["set", "k", "1", "--if-absent"])).toEqual(printed(""));
    expect(sandbox.kvs(["set", "k", "2", "--if-absent"])).toEqual(failed(1, "Key exists"));
    expect(sandbox.kvs(["get", "k"])).toEqual(printed("1"));
  });

  test("--if-equals stores only over the value it names", () => {
    const refused = failed(1, "Value is another one, or the key is missing");
    expect(sandbox.kvs(["set", "k", "2", "--if-equals", "1"])).toEqual(refused);
    sandbox.bytes(["set", "k", "1"]);
    expect(sandbox.kvs(["set", "k", "2", "--if-equals", "1"])).toEqual(printed(""));
    expect(sandbox.kvs(["set", "k", "3", "--if-equals", "1"])).toEqual(refused);
    expect(sandbox.kvs(["get", "k"])).toEqual(printed("2"));
  });

  test.each([
    [["k"], "Missing VALUE, or --file"],
    [["k", "v", "x"], 'Unexpected argument "x"'],
    [["k", "v", "--file", "f"], 'Unexpected argument "v": --file stands for VALUE'],
    [["k", "-", "--file", "f"], 'Unexpected argument "-": --file stands for VALUE'],
    [["k", "v", "--nope"], 'Unknown flag "--nope"'],
    [["k", "v", "--tll", "5s"], 'Unknown flag "--tll", did you mean "--ttl"?'],
    [["k", "v", "--ttl", "0s"], '--ttl is "0s", expected a longer duration'],
    [["k", "v", "--ttl", "5"], '--ttl is "5", expected a duration such as 500ms, 10s, 5m, 2h or 7d'],
    [["k", "v", "--if-absent", "--if-equals", "x"], "--if-absent and --if-equals exclude each other"],
  ])("refuses %j and stores nothing", (args, message) => {
    const { exitCode, stdout, stderr } = sandbox.kvs(["set", ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toStartWith(`kvs: ${message}\nUsage: kvs set KEY VALUE [`);
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
  });

  test("says why a file cannot be read, and creates no store", () => {
    expect(sandbox.kvs(["set", "k", "--file", "none"])).toEqual(
      failed(3, 'Cannot open "none": no such file or directory'),
    );
    mkdirSync(sandbox.path("folder"));
    expect(sandbox.kvs(["set", "k", "--file", "folder"]).exitCode).toBe(3);
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
  });

  test("refuses a key that is too long", () => {
    expect(sandbox.kvs(["set", "k".repeat(65_535), "v"])).toEqual(printed(""));
    expect(sandbox.kvs(["set", "k".repeat(65_536), "v"])).toEqual(
      failed(2, "Cannot use key: it is 65536 bytes, at most 65535 are possible"),
    );
  });
});

describe("append", () => {
  test("creates a key, then adds to it, from an argument, standard input and a file", () => {
    expect(sandbox.kvs(["append", "k", "a"])).toEqual(printed(""));
    expect(sandbox.kvs(["append", "k", "-"], { stdin: ALL_BYTES })).toEqual(printed(""));
    writeFileSync(sandbox.path("f"), "end");
    expect(sandbox.kvs(["append", "k", "--file", "f"])).toEqual(printed(""));
    expect(sandbox.bytes(["get", "k"])).toEqual(
      Buffer.concat([Buffer.from("a"), ALL_BYTES, Buffer.from("end")]),
    );
  });

  test("takes a dash literally after --", () => {
    sandbox.bytes(["append", "k", "--", "-"]);
    expect(sandbox.kvs(["get", "k"])).toEqual(printed("-"));
  });

  test("refuses a missing value", () => {
    expect(sandbox.kvs(["append", "k"]).stderr).toStartWith(
      "kvs: Missing VALUE, or --file\nUsage: kvs append KEY VALUE",
    );
  });
});

describe("exists", () => {
  test("answers by its exit code alone", () => {
    expect(sandbox.kvs(["exists", "k"])).toEqual({ exitCode: 1, stdout: "", stderr: "" });
    sandbox.bytes(["set", "k", ""]);
    expect(sandbox.kvs(["exists", "k"])).toEqual(printed(""));
    expect(sandbox.kvs(["exists"]).exitCode).toBe(2);
    expect(sandbox.kvs(["exists", "k", "l"]).exitCode).toBe(2);
  });
});
