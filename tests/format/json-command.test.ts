import { describe, expect, test } from "bun:test";
import { KvsError } from "../../src/format/errors.ts";
import { formatCommand, parseCommand } from "../../src/format/json-command.ts";
import { encodeKey } from "../../src/format/key.ts";
import { put, remove } from "./frames.ts";

// What serde_json writes for the control characters from U+0000 on, for the quote and for the backslash.
const ESCAPES = String.raw`
  \u0000 \u0001 \u0002 \u0003 \u0004 \u0005 \u0006 \u0007 \b \t \n \u000b \f \r \u000e \u000f
  \u0010 \u0011 \u0012 \u0013 \u0014 \u0015 \u0016 \u0017 \u0018 \u0019 \u001a \u001b \u001c \u001d \u001e \u001f
  \" \\`;
const ESCAPED = `${Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join("")}"\\`;

/** What looks as if it should be escaped, and is not. */
const LITERAL = [
  "/",
  "'",
  "<",
  "&",
  "\x7f",
  "\x80",
  "é",
  "\u2028",
  "\u2029",
  "\ufeff",
  "\ufffd",
  "\uffff",
  "😀",
  "👨‍👩‍👧",
];

test("strings are written as the original writes them", () => {
  const escapes = ESCAPES.trim().split(/\s+/);
  expect(escapes.length).toBe(ESCAPED.length);
  const escaped = escapes.map((escape, index) => [ESCAPED[index] ?? "", escape] as const);
  const literal = LITERAL.map((text) => [text, text] as const);
  for (const [text, written] of [...escaped, ...literal]) {
    expect(formatCommand(put(text, `a${text}b`))).toBe(`{"Set":{"key":"${written}","value":"a${written}b"}}`);
    expect(formatCommand(remove(text))).toBe(`{"Remove":{"key":"${written}"}}`);
    expect(parseCommand(`{"Set":{"key":"${written}","value":"${written}"}}`).mutation).toEqual(
      put(text, text),
    );
  }
});

describe("a command", () => {
  test.each([
    [put("k", "v"), '{"Set":{"key":"k","value":"v"}}'],
    [put("", ""), '{"Set":{"key":"","value":""}}'],
    [put("k", Buffer.from("é")), '{"Set":{"key":"k","value":"é"}}'],
    [put("k", Buffer.of(0xff)), '{"Set":{"key":"k","value":"/w==","encoding":"base64"}}'],
    [put(Buffer.of(0xfb, 0xff), "v"), '{"Set":{"key":"+/8=","value":"v","keyEncoding":"base64"}}'],
    [
      put(Buffer.of(0xff), Buffer.of(0x80, 0, 1), 1_767_225_660_000),
      '{"Set":{"key":"/w==","value":"gAAB","encoding":"base64","keyEncoding":"base64","expires":1767225660000}}',
    ],
    [put("k", "v", Number.MAX_SAFE_INTEGER), '{"Set":{"key":"k","value":"v","expires":9007199254740991}}'],
    [remove("k"), '{"Remove":{"key":"k"}}'],
    [remove(Buffer.of(0xff)), '{"Remove":{"key":"/w==","keyEncoding":"base64"}}'],
  ])("%# has these bytes", (mutation, text) => {
    expect(formatCommand(mutation)).toBe(text);
    const parsed = parseCommand(text);
    expect(parsed.more).toBe(false);
    expect(formatCommand(parsed.mutation)).toBe(text);
    const more = `${text.slice(0, -2)},"more":true}}`;
    expect(formatCommand(mutation, { more: true })).toBe(more);
    expect(parseCommand(more)).toEqual({ ...parsed, more: true });
  });

  test("may hold its fields in any order, others among them, and white space", () => {
    const text =
      ' { "Set" : { "new" : [ { } ] , "value" : "v" , "__proto__" : { "encoding" : "x" } , "key" : "k" } } ';
    expect(parseCommand(text).mutation).toEqual(put("k", "v"));
    expect(parseCommand('{"Remove":{"key":"k","value":7}}').mutation).toEqual(remove("k"));
    expect(parseCommand('{"Set":{"key":"\\u006b","value":"\\ud83d\\ude00"}}').mutation).toEqual(
      put("k", "😀"),
    );
  });
});

test("what is no JSON object cannot be decoded", () => {
  for (const text of [
    "",
    " ",
    "null",
    "7",
    '"Set"',
    "[]",
    "[{}]",
    "{",
    '{"Set":{"key":"k"',
    "{'Set':{}}",
    "\ufeff{}",
    "{}{}",
  ]) {
    expect([text, codeOf(text)]).toEqual([text, "UNDECODABLE_RECORD"]);
  }
});

test("an object that is neither command is unexpected", () => {
  const wrong = [
    "{}",
    '{"Get":{"key":"k"}}',
    '{"set":{"key":"k","value":"v"}}',
    '{"Set":{"key":"k","value":"v"},"Remove":{"key":"k"}}',
    '{"Set":{"key":"k","value":"v"},"more":true}',
    '{"Set":null}',
    '{"Set":[]}',
    '{"Set":"k"}',
    '{"Set":{"key":"k"}}',
    '{"Set":{"value":"v"}}',
    '{"Set":{"key":1,"value":"v"}}',
    '{"Set":{"key":"k","value":null}}',
    '{"Set":{"key":"k","value":["v"]}}',
    '{"Remove":{}}',
    '{"Remove":{"Key":"k"}}',
    '{"toString":{"key":"k"}}',
    '{"__proto__":{"key":"k"}}',
  ];
  for (const text of wrong) expect([text, codeOf(text)]).toEqual([text, "UNEXPECTED_COMMAND"]);
});

test("lone surrogates are refused, in keys as in values", () => {
  for (const half of ["\\ud800", "\\udfff", "a\\ud83d", "\\ude00\\ud83d"]) {
    expect(codeOf(`{"Set":{"key":"k","value":"${half}"}}`)).toBe("UNEXPECTED_COMMAND");
    expect(codeOf(`{"Set":{"key":"${half}","value":"v"}}`)).toBe("UNEXPECTED_COMMAND");
    expect(codeOf(`{"Remove":{"key":"${half}"}}`)).toBe("UNEXPECTED_COMMAND");
  }
});

test("base64 is taken only as it is written", () => {
  for (const text of ["/w", "/w=", "/w===", "_w==", "/x==", "/w==\\n", " /w==", "/w==/w==", "é", "=", "A"]) {
    expect([text, codeOf(`{"Set":{"key":"k","value":"${text}","encoding":"base64"}}`)]).toEqual([
      text,
      "UNEXPECTED_COMMAND",
    ]);
    expect([text, codeOf(`{"Remove":{"key":"${text}","keyEncoding":"base64"}}`)]).toEqual([
      text,
      "UNEXPECTED_COMMAND",
    ]);
  }
  for (const encoding of ['"hex"', '"BASE64"', "null", "true", '""']) {
    expect(codeOf(`{"Set":{"key":"k","value":"","encoding":${encoding}}}`)).toBe("UNEXPECTED_COMMAND");
  }
});

test("an expiry is a whole number of milliseconds from 1 on", () => {
  for (const expires of ["0", "-1", "1.5", "9007199254740992", "1e400", '"1"', "null", "true"]) {
    expect([expires, codeOf(`{"Set":{"key":"k","value":"v","expires":${expires}}}`)]).toEqual([
      expires,
      "UNEXPECTED_COMMAND",
    ]);
  }
  expect(parseCommand('{"Set":{"key":"k","value":"v","expires":1}}').mutation.expiresAt).toBe(1);
});

test("a key over its limit is refused", () => {
  expect(parseCommand(`{"Remove":{"key":"${"k".repeat(65_535)}"}}`).mutation.key).toHaveLength(65_535);
  expect(codeOf(`{"Remove":{"key":"${"k".repeat(65_536)}"}}`)).toBe("INVALID_ARGUMENT");
  expect(encodeKey("k")).toHaveLength(1);
});

function codeOf(text: string): string {
  try {
    parseCommand(text);
  } catch (error) {
    if (error instanceof KvsError) return error.code;
    throw error;
  }
  return "accepted";
}
