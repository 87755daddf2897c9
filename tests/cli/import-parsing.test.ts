import { describe, expect, test } from "bun:test";
import { parseImportLine } from "../../src/cli/import-line.ts";
import { JsonSplitter } from "../../src/cli/json-splitter.ts";

function split(chunks: readonly string[]): Array<[line: number, text: string]> {
  const splitter = new JsonSplitter();
  const pieces: Array<[number, string]> = [];
  for (const chunk of chunks) {
    for (const { line, bytes } of splitter.push(Buffer.from(chunk)))
      pieces.push([line, Buffer.from(bytes).toString()]);
  }
  const { line, bytes } = splitter.end();
  return [...pieces, [line, Buffer.from(bytes).toString()]];
}

describe("JsonSplitter", () => {
  test("cuts at the end of lines and numbers them", () => {
    expect(split(['{"a":1}\n{"b":2}\n', "bad\nlast"])).toEqual([
      [1, '{"a":1}'],
      [1, "\n"],
      [2, '{"b":2}'],
      [2, "\n"],
      [3, "bad\n"],
      [4, "last"],
    ]);
  });

  test("cuts where an object closes, but not inside strings", () => {
    expect(split(['{"Set":{"k":"}{"}}{"b":"\\"}"}'])).toEqual([
      [1, '{"Set":{"k":"}{"}}'],
      [1, '{"b":"\\"}"}'],
      [1, ""],
    ]);
  });

  test("gives the same pieces wherever the chunks end", () => {
    const text = '{"Set":{"k":"\\\\"}}{"b":"é}"}\n{"c":{}}';
    const whole = split([text]);
    expect(split(text.split(""))).toEqual(whole);
  });

  test("starts afresh with every line", () => {
    expect(split(['{"a":"\n{"b":1}\n'])).toEqual([
      [1, '{"a":"\n'],
      [2, '{"b":1}'],
      [2, "\n"],
      [3, ""],
    ]);
  });
});

describe("parseImportLine", () => {
  test("reads commands and records", () => {
    expect(parse('{"Set":{"key":"k","value":"v","expires":5}}')).toMatchObject({
      kind: "put",
      value: "v",
      expiresAt: 5,
    });
    expect(parse('{"Remove":{"key":"k"}}')).toMatchObject({ kind: "remove" });
    expect(parse(' {"key":"k","value":"v"}\r\n')).toMatchObject({ kind: "put", value: "v", expiresAt: 0 });
    expect(parse('{"key_base64":"/w==","value_base64":"AA=="}')).toMatchObject({ value: Buffer.from([0]) });
  });

  test("passes over empty lines and the header of a log", () => {
    expect(parse("")).toBeUndefined();
    expect(parse(" \r\n")).toBeUndefined();
    expect(parse('{"Remove":{"key":"","kvs":{"version":1}}}')).toBeUndefined();
    expect(parse('{"Remove":{"key":""}}')).toMatchObject({ kind: "remove" });
  });

  test.each([
    ["bad", "it is not JSON"],
    ["1", "it is not a JSON object"],
    ["[]", "it is not a JSON object"],
    ["null", "it is not a JSON object"],
    ["{}", 'expected {"Set":{...}} or {"Remove":{...}}'],
    ['{"Get":{"key":"k"}}', 'expected {"Set":{...}} or {"Remove":{...}}'],
    ['{"key":"k"}', '"value" is not a string'],
    ['{"key":"k","value":1}', '"value" is not a string'],
    ['{"key":"k","value":"v","vaule":"x"}', '"vaule" is no field of a record'],
    ['{"key":"k","key_base64":"","value":"v"}', 'it has both "key" and "key_base64"'],
    ['{"key_base64":"*","value":"v"}', '"key" is not base64'],
    ['{"key":"k","value":"v","expires":"x"}', '"expires" is "x"'],
    ['{"key":"\\ud800","value":"v"}', '"key" holds a lone surrogate'],
  ])("refuses %s: %s", (line, reason) => {
    expect(() => parse(line)).toThrow(reason);
  });

  test("refuses what is not UTF-8", () => {
    expect(() => parseImportLine(Buffer.from([0x22, 0xff, 0x22]))).toThrow("it is not UTF-8");
  });
});

function parse(text: string): ReturnType<typeof parseImportLine> {
  return parseImportLine(Buffer.from(text));
}
