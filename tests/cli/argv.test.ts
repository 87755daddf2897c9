import { describe, expect, test } from "bun:test";
import { checkArguments, splitCommand } from "../../src/cli/argv.ts";
import type { ArgsSpec } from "../../src/cli/command.ts";

const SPEC: ArgsSpec = {
  key: { type: "positional", required: false, description: "" },
  "key-hex": { type: "string", valueHint: "HEX", replaces: "key", description: "" },
  value: { type: "positional", description: "" },
  extra: { type: "positional", required: false, description: "" },
  ttl: { type: "string", valueHint: "DURATION", description: "" },
  quiet: { type: "boolean", alias: "q", description: "" },
  null: { type: "boolean", alias: "0", description: "" },
};

const check = (...argv: string[]) => checkArguments(argv, SPEC).values;

describe("checkArguments", () => {
  test("assigns operands in order, wherever flags stand", () => {
    expect(check("--ttl", "5s", "k", "-q", "v")).toMatchObject({
      key: "k",
      value: "v",
      ttl: "5s",
      quiet: true,
    });
  });

  test("takes a flag's value after an equals sign, also an empty one and one with an equals sign", () => {
    expect(check("k", "v", "--ttl=5s")["ttl"]).toBe("5s");
    expect(check("k", "v", "--ttl=")["ttl"]).toBe("");
    expect(check("k", "v", "--ttl=a=b")["ttl"]).toBe("a=b");
  });

  test("takes whatever follows a flag as its value", () => {
    expect(check("k", "v", "--ttl", "--quiet")).toMatchObject({ ttl: "--quiet" });
    expect(check("k", "v", "--ttl", "--")).toMatchObject({ ttl: "--" });
  });

  test("takes everything after -- literally, and says which operands stood there", () => {
    const { values, literal } = checkArguments(["k", "--", "--quiet"], SPEC);
    expect(values).toMatchObject({ key: "k", value: "--quiet" });
    expect([...literal]).toEqual(["value"]);
    expect(checkArguments(["--", "--", "--ttl"], SPEC).values).toMatchObject({ key: "--", value: "--ttl" });
  });

  test("takes a dash, an empty argument and negative numbers for operands", () => {
    expect(check("k", "-")["value"]).toBe("-");
    expect(check("", "")).toMatchObject({ key: "", value: "" });
    for (const number of ["-5", "-0.5", "-.5", "-10."]) expect(check("k", number)["value"]).toBe(number);
  });

  test("takes -0 for a flag where there is one", () => {
    expect(check("k", "v", "-0")["null"]).toBe(true);
  });

  test("lets a flag stand for the operand it replaces", () => {
    expect(check("--key-hex", "ff", "v")).toMatchObject({ "key-hex": "ff", value: "v" });
    expect(() => check("--key-hex", "ff", "v", "x", "y")).toThrow(
      'Unexpected argument "y": --key-hex stands for KEY',
    );
  });

  test.each([
    [["k"], "Missing VALUE"],
    [[], "Missing KEY, or --key-hex"],
    [["k", "v", "x", "y"], 'Unexpected argument "y"'],
    [["k", "v", "--nope"], 'Unknown flag "--nope"'],
    [["k", "v", "-x"], 'Unknown flag "-x"'],
    [["k", "v", "-5x"], 'Unknown flag "-5x"'],
    [["k", "v", "--nope=1"], 'Unknown flag "--nope"'],
    [["k", "v", "--value", "x"], 'Unknown flag "--value"'],
    [["k", "v", "--toString"], 'Unknown flag "--toString"'],
    [["k", "v", "-q", "--quiet"], "Flag --quiet is given twice"],
    [["k", "v", "--ttl=1s", "--ttl=2s"], "Flag --ttl is given twice"],
    [["k", "v", "--quiet=yes"], "Flag --quiet takes no value"],
    [["k", "v", "--ttl"], "Flag --ttl needs a value: DURATION"],
  ])("refuses %j: %s", (argv, message) => {
    expect(() => check(...argv)).toThrow(message);
  });
});

describe("splitCommand", () => {
  const globals: ArgsSpec = {
    dir: { type: "string", valueHint: "DIR", description: "" },
    quiet: { type: "boolean", alias: "q", description: "" },
  };

  test("finds the command behind flags, and leaves the rest in order", () => {
    expect(splitCommand(["-q", "--dir", "get", "set", "k", "--x"], globals)).toEqual({
      name: "set",
      rest: ["-q", "--dir", "get", "k", "--x"],
    });
    expect(splitCommand(["--dir=d", "get", "get"], globals)).toEqual({
      name: "get",
      rest: ["--dir=d", "get"],
    });
  });

  test("finds the command behind --, and keeps what follows literal", () => {
    expect(splitCommand(["--", "get", "-q"], globals)).toEqual({ name: "get", rest: ["--", "-q"] });
  });

  test("finds none where there is none", () => {
    expect(splitCommand(["--dir", "get"], globals).name).toBeUndefined();
    expect(splitCommand([], globals).name).toBeUndefined();
  });

  test("refuses an unknown flag before the command", () => {
    expect(() => splitCommand(["--prefix", "x", "list"], globals)).toThrow('Unknown flag "--prefix"');
  });
});
