import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ALL_COMMANDS } from "../../../src/cli/all-commands.ts";
import { GLOBAL_FLAGS, TOP_FLAGS } from "../../../src/cli/global-flags.ts";
import { KVS } from "../../cli/run-kvs.ts";
import { type SeededRandom, seededRandom } from "../../support/random.ts";
import type { Campaign, Outcome } from "../campaign.ts";
import { drawRequests } from "./imports.ts";
import { mutate } from "./mutate.ts";

const RUNS_AT_ONCE = 20;

/** Longer than any of these takes, were it not to hang. */
const HANGS_MS = 30_000;

/** Done, no, usage, system, corrupt, locked: no other end is one. */
const EXIT_CODES: ReadonlySet<number | null> = new Set([0, 1, 2, 3, 4, 5]);

const VALUES = [
  "",
  "k",
  "k2",
  "-",
  "--",
  "-1",
  "0",
  "1",
  "1e3",
  "10m",
  "-5s",
  "1ms",
  "9007199254740992",
  "x y",
  "ü",
];
const ODD_VALUES = [
  "--help",
  "-h",
  "-n",
  "=",
  "--dir=",
  "--=x",
  "-x=y",
  "json",
  "sync",
  "%s",
  "6b",
  "zz",
  "\u202e",
];

/** Runs the program with made-up command lines. */
export const fuzzArguments: Campaign = {
  name: "fuzz-arguments",
  test: 14,
  shows: "made-up command lines end with an exit code that is documented, and with a message if they fail",
  unit: "command lines",
  full: 40_000,
  run: (seed) => inDirectory(async (directory) => runSome(seededRandom(seed), directory, wrongWithArguments)),
};

/** Has the program answer made-up requests. */
export const fuzzSessions: Campaign = {
  name: "fuzz-sessions",
  test: 14,
  shows: "every line of a session is answered by one line, whatever it holds",
  unit: "sessions",
  full: 40_000,
  run: (seed) => inDirectory(async (directory) => runSome(seededRandom(seed), directory, wrongWithSession)),
};

async function inDirectory(work: (directory: string) => Promise<Outcome>): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), "kvs-fuzz-"));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

type Try = (random: SeededRandom, directory: string) => string | undefined;

function runSome(random: SeededRandom, directory: string, attempt: Try): Outcome {
  const failures: string[] = [];
  for (let left = RUNS_AT_ONCE; left > 0; left -= 1) {
    const wrong = attempt(random, directory);
    if (wrong !== undefined) failures.push(wrong);
  }
  return { cases: RUNS_AT_ONCE, failures };
}

interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function kvs(directory: string, args: readonly string[], stdin: Buffer): Run {
  const { exitCode, stdout, stderr } = Bun.spawnSync([KVS, ...args], {
    cwd: directory,
    env: { KVS_AUTO_COMPACT: "off", KVS_DURABILITY: "os" },
    stdin,
    stdout: "pipe",
    stderr: "pipe",
    timeout: HANGS_MS,
  });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

function wrongWithArguments(random: SeededRandom, directory: string): string | undefined {
  const args = drawArguments(random);
  const stdin = random.below(2) === 0 ? Buffer.alloc(0) : drawRequests(random);
  const { exitCode, stderr } = kvs(directory, args, stdin);
  const isSilent =
    exitCode !== 0 && exitCode !== 1 && stderr === "" && !args.some((arg) => /^(-q|--quiet)$/.test(arg));
  const isStack = /\n\s+at .*:\d+/.test(stderr);
  if (EXIT_CODES.has(exitCode) && !isSilent && !isStack) return undefined;
  return `kvs ${JSON.stringify(args)} ended with ${exitCode}: ${stderr}`;
}

/** A command and what may follow it, right or not. */
function drawArguments(random: SeededRandom): string[] {
  const command = ALL_COMMANDS[random.below(ALL_COMMANDS.length)];
  const flags = [GLOBAL_FLAGS, TOP_FLAGS, command?.args ?? {}, command?.args ?? {}].flatMap((spec) =>
    Object.entries(spec).flatMap(([name, arg]) => (arg.type === "positional" ? [] : [`--${name}`])),
  );
  const words = [command?.meta.name ?? ""];
  for (let left = random.below(5); left > 0; left -= 1) {
    const value = VALUES[random.below(VALUES.length)] ?? "";
    const odd = ODD_VALUES[random.below(ODD_VALUES.length)] ?? "";
    const flag = flags[random.below(flags.length)] ?? "";
    words.push(random.pick([value, value, odd, flag, flag, `${flag}=${value}`]));
  }
  if (random.below(4) === 0) words.unshift(flags[random.below(flags.length)] ?? "");
  if (random.below(4) > 0) return words;
  const at = random.below(words.length);
  // No argument holds a NUL byte, and a slash might lead out of the directory.
  const mutated = mutate(random, Buffer.from(words[at] ?? ""))
    .toString()
    .replaceAll(/[\0/.~]/g, "_");
  return words.with(at, mutated);
}

function wrongWithSession(random: SeededRandom, directory: string): string | undefined {
  const input = Buffer.concat(Array.from({ length: 10 }, () => drawRequests(random)));
  const { exitCode, stdout, stderr } = kvs(directory, ["shell"], input);
  const lines = input.toString("latin1").split("\n");
  // What no newline ends is answered as well.
  const requests = lines.length - (lines.at(-1) === "" ? 1 : 0);
  const replies = stdout.split("\n").slice(0, -1);
  const odd = replies.find((reply) => !/^(ok|no|none|value|list|error)(\t|$)/.test(reply));
  const internal = replies.find((reply) => reply.startsWith("error\t70"));
  if (exitCode === 0 && stderr === "" && replies.length === requests && (odd ?? internal) === undefined)
    return undefined;
  return `${requests} requests, ${replies.length} replies, exit code ${exitCode}, ${stderr}${odd ?? internal}: ${input.toString("base64")}`;
}
