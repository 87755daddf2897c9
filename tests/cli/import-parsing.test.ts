import { describe, expect, test } from "bun:test";
import { jsonl } from "../../src/cli/formats/jsonl.ts";
import { parseImportLine } from "../../src/cli/import-line.ts";
import { JsonSplitter } from "../../src/cli/json-splitter.ts";
import type { Mutation } from "../../src/format/record.ts";

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

describe("the decoder of JSON Lines", () => {
  const LINES = [
    '{"Set":{"key":"plain","value":"text"}}\n',
    '{"key":"record","value":"of list"}\n',
    '{"Set":{"key":"","value":""}}\n',
    '{"Set":{"key":"é","value":"\\u0000"}}\n',
    '{"Set":{"key":"return","value":"1"}}\r\n',
    "\n",
    '{"Set":{"key":"two","value":"{\\"}"}}{"Set":{"key":"on a line","value":"}{"}}\n',
    '{"Remove":{"key":"plain"}}\n',
    '{"Set":{"key":"expires","value":"5","expires":5}}\n',
    ' {"Set" : {"key":"spaces","value":"1"}}\n',
    '{"key":"last","value":"\x7f"}',
  ];

  /** What a text asks for, and in which lines, if it comes in chunks of a size. */
  function decode(text: string, chunkBytes: number): string[] {
    const decoder = jsonl.decoder();
    const bytes = Buffer.from(text);
    const found: string[] = [];
    const take = (mutations: Iterable<Mutation>): void => {
      for (const { kind, key, value, expiresAt } of mutations)
        found.push(`${decoder.place}: ${kind} ${key} ${String(value)} ${expiresAt}`);
    };
    for (let at = 0; at < bytes.length; at += chunkBytes)
      take(decoder.push(Buffer.from(bytes.subarray(at, at + chunkBytes))));
    take(decoder.end());
    return found;
  }

  test("reads the same wherever chunks end, plain lines and others", () => {
    const text = LINES.join("");
    const whole = decode(text, text.length * 2);
    expect(whole).toEqual([
      "line 1: put plain text 0",
      "line 2: put record of list 0",
      "line 3: put   0",
      "line 4: put \xc3\xa9 \0 0",
      "line 5: put return 1 0",
      'line 7: put two {"} 0',
      "line 7: put on a line }{ 0",
      "line 8: remove plain  0",
      "line 9: put expires 5 5",
      "line 10: put spaces 1 0",
      "line 11: put last \x7f 0",
    ]);
    for (let chunkBytes = 1; chunkBytes <= 120; chunkBytes += 1)
      expect(decode(text, chunkBytes)).toEqual(whole);
  });

  test("is as strict about plain lines as a parser of JSON", () => {
    for (const bad of [
      '{"Set":{"key":"k","value":"a\tb"}}\n',
      '{"Set":{"key":"k","value":"v"}\n',
      '{"key":"k","value":"v"}}\n',
      '{"Set":{"key":"k","value":"v","value":1}}\n',
    ]) {
      expect(() => decode(`{"key":"a","value":"1"}\n${bad}`, 1000)).toThrow();
    }
    expect(() => decode(`{"key":"${"k".repeat(65_536)}","value":"v"}\n`, 100_000)).toThrow(
      "it is 65536 bytes",
    );
  });
});
