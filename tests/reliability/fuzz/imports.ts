import { UsageError } from "../../../src/cli/failures.ts";
import type { RecordDecoder } from "../../../src/cli/formats/format.ts";
import { formatNamed } from "../../../src/cli/formats/index.ts";
import { LineSplitter } from "../../../src/cli/shell/line-splitter.ts";
import { checkRequest, splitFields, textOf } from "../../../src/cli/shell/request.ts";
import { REQUESTS } from "../../../src/cli/shell/requests.ts";
import { MAX_FRAME_BYTES } from "../../../src/format/limits.ts";
import { KvsError } from "../../../src/index.ts";
import { type SeededRandom, seededRandom } from "../../support/random.ts";
import type { Campaign, Outcome } from "../campaign.ts";
import { chunksOf, mutate } from "./mutate.ts";

const CASES_A_RUN = 500;

function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

interface Kind {
  readonly valid: readonly string[];
  readonly words: readonly string[];
}

const BYTES = [
  "\0",
  "\n",
  "\r",
  "\t",
  "\\",
  "\\x00",
  "\\xzz",
  "\\n",
  "\xff",
  "\xc3",
  "\xef\xbb\xbf",
  "x".repeat(300),
];

/** Inputs of each format, whole and right, and what they are made of. */
const KINDS: Readonly<Record<string, Kind>> = {
  jsonl: {
    valid: [
      '{"Set":{"key":"k","value":"v"}}\n{"Remove":{"key":"k"}}\n',
      '{"key":"a","value":"1"}\n{"key_base64":"/w==","value_base64":"AP8=","expires":1767225660000}\n\n',
      '{"Set":{"key":"a","value":"}{"}}{"Set":{"key":"b","value":"\\"}"}} {"Remove":{"key":"c"}}',
      '{"Remove":{"key":"","kvs":{"version":1}}}\n{"Set":{"value":"v","key":"k","x":[{}],"more":true}}\n',
    ],
    words: [
      ...BYTES,
      "{",
      "}",
      '"',
      "[",
      ":",
      '{"key":1}',
      '"__proto__":{}',
      '"\\ud800"',
      "1e999",
      '"expires":0',
    ],
  },
  tsv: { valid: ["key\tvalue\nk2\tv\\t2\n", "a\\\\\tb\nlast\t\\xff"], words: BYTES },
  nul: { valid: ["key\0value\0k\0\0", "a\0b\0"], words: BYTES },
  mdb: {
    valid: [
      "VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n 6b\n 76\n ff\n 00\nDATA=END\n",
      "VERSION=3\nformat=print\nHEADER=END\n key\n value\\0a\\\\\nDATA=END\n",
    ],
    words: [
      ...BYTES,
      "HEADER=END\n",
      "DATA=END\n",
      "format=print\n",
      "duplicates=1\n",
      " ",
      "\\",
      "\\f",
      "f",
    ],
  },
};

/** Gives made-up input to every decoder, in pieces and in one. */
export const fuzzImports: Campaign = {
  name: "fuzz-imports",
  test: 14,
  shows:
    "made-up input of each import format, and of the shell's protocol, is read or refused, in pieces as in one",
  unit: "inputs",
  full: 5_000_000,
  run: async (seed) => fuzzSome(seededRandom(seed)),
};

function fuzzSome(random: SeededRandom): Outcome {
  const failures: string[] = [];
  for (let left = CASES_A_RUN; left > 0; left -= 1) {
    const name = random.pick(["jsonl", "tsv", "nul", "mdb", "shell"]);
    const input = name === "shell" ? drawRequests(random) : drawInput(random, KINDS[name]);
    const wrong = wrongWithInput(name, input, chunksOf(random, input));
    if (wrong !== undefined) failures.push(`${name}, ${input.toString("base64")}: ${wrong}`);
  }
  return { cases: CASES_A_RUN, failures };
}

function drawInput(random: SeededRandom, kind: Kind | undefined): Buffer {
  const { valid, words } = kind ?? { valid: [], words: [] };
  const [input = "", other = ""] = [valid[random.below(valid.length)], valid[random.below(valid.length)]];
  return mutate(random, latin1(random.below(3) === 0 ? input + other : input), words.map(latin1));
}

const REQUEST_WORDS = [
  ...BYTES,
  "--ttl=",
  "--ttl=1e9d",
  "--if-absent",
  "--if-equals=",
  "--limit=",
  "--print",
  "1e5",
  "-0",
];

/** Lines of a session, most of which ask for something. */
export function drawRequests(random: SeededRandom): Buffer {
  const names = [...REQUESTS.keys()];
  const lines = Array.from({ length: 1 + random.below(5) }, () => {
    const fields = [names[random.below(names.length)] ?? "", `k${random.below(4)}`];
    for (let left = random.below(4); left > 0; left -= 1) {
      fields.push(REQUEST_WORDS[random.below(REQUEST_WORDS.length)] ?? "");
    }
    return `${fields.join("\t")}\n`;
  });
  const input = latin1(lines.join(""));
  return random.below(3) === 0 ? input : mutate(random, input, REQUEST_WORDS.map(latin1));
}

/** What must not be: another error than one for the user, or another answer for another division into pieces. */
export function wrongWithInput(name: string, input: Buffer, chunks: readonly Buffer[]): string | undefined {
  try {
    const read = name === "shell" ? requestsIn : (parts: readonly Buffer[]) => recordsIn(name, parts);
    const [whole, inPieces] = [read([input]), read(chunks)];
    return whole === inPieces ? undefined : `in one: ${whole}, in pieces: ${inPieces}`;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** What a decoder makes of its input, and where it gave up. */
function recordsIn(name: string, chunks: readonly Buffer[]): string {
  const decoder = formatNamed(name).decoder();
  const found: unknown[] = [];
  const take = (mutations: ReturnType<RecordDecoder["end"]>): void => {
    for (const { kind, key, value, expiresAt } of mutations) {
      found.push([kind, key, Buffer.from(value).toString("base64"), expiresAt]);
    }
  };
  try {
    // A chunk's memory is used again for the next one.
    const memory = Buffer.alloc(Math.max(0, ...chunks.map(({ length }) => length)));
    for (const chunk of chunks) take(decoder.push(memory.subarray(0, chunk.copy(memory))));
    take(decoder.end());
  } catch (error) {
    if (!(error instanceof KvsError)) throw error;
    found.push([decoder.place, error.code, error.message]);
  }
  return JSON.stringify(found);
}

function requestsIn(chunks: readonly Buffer[]): string {
  const lines = new LineSplitter(MAX_FRAME_BYTES);
  const found: unknown[] = [];
  for (const chunk of chunks) {
    lines.push(chunk);
    for (let line = lines.next(); line !== undefined; line = lines.next()) found.push(requestOf(line));
  }
  return JSON.stringify([found, lines.isUnfinished]);
}

function requestOf(line: Buffer | null): unknown {
  try {
    const fields = splitFields(line ?? Buffer.alloc(0));
    const kind = REQUESTS.get(textOf(fields[0] ?? ""));
    return [fields.map(textOf), kind === undefined ? "unknown" : [...checkRequest(fields, kind)]];
  } catch (error) {
    if (error instanceof UsageError || error instanceof KvsError) return error.message;
    throw error;
  }
}
