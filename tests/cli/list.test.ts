import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Sandbox, printed } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

const fill = (...records: ReadonlyArray<readonly [key: string, value: string]>): void => {
  const lines = records.map(([key, value]) => JSON.stringify({ key, value }));
  sandbox.bytes(["import"], { stdin: lines.join("\n") });
};

describe("list", () => {
  test("of no store, and of an empty one, is empty", () => {
    expect(sandbox.kvs(["list"])).toEqual(printed(""));
    expect(sandbox.kvs(["count"])).toEqual(printed("0\n"));
  });

  test("prints key, tab and value in the order of bytes", () => {
    fill(["b", "2"], ["é", "4"], ["a", "1"], ["B", "0"], ["🎉", "6"], ["\uffee", "5"]);
    expect(sandbox.kvs(["list"])).toEqual(printed("B\t0\na\t1\nb\t2\né\t4\n\uffee\t5\n🎉\t6\n"));
  });

  test("keeps to a prefix, a range, a direction and a limit", () => {
    fill(["a", "1"], ["b", "2"], ["ba", "3"], ["bb", "4"], ["c", "5"]);
    const keys = (...args: string[]): string =>
      sandbox
        .bytes(["list", "--keys", ...args])
        .toString()
        .replaceAll("\n", " ");
    expect(keys("--prefix", "b")).toBe("b ba bb ");
    expect(keys("--from", "b", "--to", "bb")).toBe("b ba ");
    expect(keys("--from", "ba", "--reverse")).toBe("c bb ba ");
    expect(keys("--limit", "2")).toBe("a b ");
    expect(keys("--limit", "2", "--reverse", "--prefix", "b")).toBe("bb ba ");
    expect(keys("--limit", "0")).toBe("");
    expect(keys("--prefix", "b", "--from", "ba", "--to", "c", "--limit", "1")).toBe("ba ");
    expect(keys("--prefix", "x")).toBe("");
    expect(sandbox.kvs(["count"])).toEqual(printed("5\n"));
    expect(sandbox.kvs(["count", "--prefix", "b"])).toEqual(printed("3\n"));
  });

  test("escapes what would break a line", () => {
    fill(["k\t\n", "a\\b\r"], ["\x1b", "\x1b[0m"]);
    expect(sandbox.kvs(["list"])).toEqual(printed("\x1b\t\x1b[0m\nk\\t\\n\ta\\\\b\\r\n"));
    expect(sandbox.kvs(["list", "--keys"])).toEqual(printed("\x1b\nk\\t\\n\n"));
    expect(sandbox.kvs(["list", "--values"])).toEqual(printed("\x1b[0m\na\\\\b\\r\n"));
  });

  test("at a terminal escapes control bytes too", async () => {
    fill(["\x1b", "\x1b[0m"]);
    expect(await sandbox.atTerminal(["list"])).toBe("\\x1b\t\\x1b[0m\r\n");
  });

  test("-0 ends each key and value with NUL and escapes nothing", () => {
    fill(["k\t\n", "a\\b"], ["l", ""]);
    expect(sandbox.kvs(["list", "-0"])).toEqual(printed("k\t\n\0a\\b\0l\0\0"));
    expect(sandbox.kvs(["list", "-0", "--keys"])).toEqual(printed("k\t\n\0l\0"));
    expect(sandbox.kvs(["list", "--null", "--values"])).toEqual(printed("a\\b\0\0"));
  });

  test("-0 refuses a record that holds NUL, after those before it", () => {
    fill(["a", "1"], ["b", "\0"], ["c", "3"]);
    expect(sandbox.kvs(["list", "-0"])).toEqual({
      exitCode: 1,
      stdout: "a\u00001\u0000",
      stderr: "kvs: Cannot print a record that holds a NUL byte: use --json\n",
    });
    expect(sandbox.kvs(["list", "-0", "--keys"])).toEqual(printed("a\0b\0c\0"));
  });

  test("--json prints text as text, and other bytes as base64", () => {
    fill(["k\n", 'a"\0é']);
    sandbox.bytes(["set", "--key-hex", "ff", "-"], { stdin: Buffer.from([0xff, 0xfe]) });
    sandbox.bytes(["set", "l", "-"], { stdin: Buffer.from([0x80]) });
    expect(sandbox.kvs(["list", "--json"])).toEqual(
      printed(
        '{"key":"k\\n","value":"a\\"\\u0000é"}\n{"key":"l","value_base64":"gA=="}\n{"key_base64":"/w==","value_base64":"//4="}\n',
      ),
    );
    expect(sandbox.kvs(["list", "--json", "--keys", "--limit", "1"])).toEqual(printed('{"key":"k\\n"}\n'));
    expect(sandbox.kvs(["list", "--json", "--values", "--limit", "1"])).toEqual(
      printed('{"value":"a\\"\\u0000é"}\n'),
    );
  });

  test("what --json writes, import reads", () => {
    const hostile = Buffer.from([0, 9, 10, 13, 27, 34, 92, 127, 128, 255]);
    sandbox.bytes(["set", "--key-hex", hostile.toString("hex"), "-"], { stdin: hostile });
    fill(["text \u2028 \ufeff", '\ufeff"\\'], ["", ""]);
    const { exitCode } = sandbox.bash(
      "kvs list --json | kvs import --dir copy; kvs list --json >a; kvs --dir copy list --json >b; cmp a b && [ -s a ]",
    );
    expect(exitCode).toBe(0);
  });

  test.each([
    [["--keys", "--values"], "--keys and --values exclude each other"],
    [["-0", "--json"], "--null and --json exclude each other"],
    [["--limit", "-1"], '--limit is "-1", expected a whole number'],
    [["--limit", "x"], '--limit is "x", expected a whole number'],
    [["--limt", "1"], 'Unknown flag "--limt", did you mean "--limit"?'],
    [["k"], 'Unexpected argument "k"'],
  ])("refuses %j", (args, message) => {
    const { exitCode, stdout, stderr } = sandbox.kvs(["list", ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toStartWith(`kvs: ${message}\nUsage: kvs list [`);
  });
});
