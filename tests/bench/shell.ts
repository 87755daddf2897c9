/**
 * Measures `kvs shell` on a pipe. One by one: a bash script sends a request and
 * reads the reply through a coprocess, in turns with the same script over
 * `coproc cat`, which answers each line by itself; what counts is the median of
 * the ratios, round by round. Pipelined: a program keeps 1,000 requests in flight.
 *
 * Usage: bun tests/bench/shell.ts [ROUNDS]
 */
import { spawn, spawnSync } from "bun";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const KVS = resolve(process.env["KVS_BINARY"] ?? "dist/kvs");
const rounds = Number(process.argv[2] ?? 7);
const IN_FLIGHT = 1000;
const PIPELINED = 100_000;

/** Requests of one session: the first are slower, since the program is still being compiled, the last show the pace it keeps. */
const FIRST = 5000;
const SKIPPED = 15_000;
const LAST = 10_000;

/** The reply to `get` is as long as the request itself. */
const REQUESTS: Readonly<Record<string, string>> = {
  get: "get\tkey-0000001",
  "set os": "set\tkey-0000001\tvalue",
  "set sync": "set\tkey-0000001\tvalue",
};

/** Sends one request over and over; prints the time before and after the first and the last ones. */
const SCRIPT = `
coproc peer { exec "\${@:2}"; }
ask() {
  for ((round = 0; round < $2; round++)); do
    printf '%s\\n' "$1" >&"\${peer[1]}"
    IFS= read -r reply <&"\${peer[0]}"
  done
}
ask "$1" 1
for times in ${FIRST} ${SKIPPED} ${LAST}; do
  start=$EPOCHREALTIME
  ask "$1" "$times"
  echo "$start $EPOCHREALTIME"
done`;

const directory = mkdtempSync(join(tmpdir(), "kvs-bench-"));
try {
  prepare();
  console.log(`One by one through a coprocess of bash, ${rounds} rounds, interleaved with cat`);
  for (const name of Object.keys(REQUESTS)) oneByOne(name);
  console.log(`${IN_FLIGHT} requests in flight, ${rounds} rounds of ${PIPELINED}`);
  for (const name of Object.keys(REQUESTS)) await pipelined(name);
} finally {
  rmSync(directory, { recursive: true });
}

function prepare(): void {
  const value = "v".repeat(REQUESTS["get"]?.length ?? 0).slice("value\t".length);
  const { success } = spawnSync([KVS, "set", "--dir", storeOf(), "key-0000001", value]);
  if (!success) throw new Error("Cannot prepare a store");
}

function storeOf(): string {
  return join(directory, "store");
}

function shellCommand(name: string): string[] {
  return [KVS, "shell", "--dir", storeOf(), "--durability", name === "set sync" ? "sync" : "os"];
}

function oneByOne(name: string): void {
  const sessions: Array<Readonly<Record<string, Pace>>> = [];
  for (let round = -1; round < rounds; round++) {
    const order = round % 2 === 0 ? ["cat", "kvs"] : ["kvs", "cat"];
    const session = Object.fromEntries(order.map((peer) => [peer, paceOf(peer, name)]));
    if (round >= 0) sessions.push(session);
  }
  const report = (part: keyof Pace): string => {
    const ratios = sessions.map(({ cat, kvs }) => (kvs?.[part] ?? 0) / (cat?.[part] ?? Number.NaN));
    const rates = sessions.map(({ kvs }) => kvs?.[part] ?? Number.NaN);
    return `${part} ${rate(rates)} a second, ${median(ratios).toFixed(2)} of cat`;
  };
  console.log(`${name.padEnd(10)} ${report("first")}   ${report("last")}`);
}

/** Requests a second, of the first and of the last ones of a session. */
interface Pace {
  readonly first: number;
  readonly last: number;
}

function paceOf(peer: string, name: string): Pace {
  const command = peer === "cat" ? ["cat"] : shellCommand(name);
  const { stdout } = spawnSync(["bash", "-c", SCRIPT, "bash", REQUESTS[name] ?? "", ...command]);
  const seconds = stdout
    .toString()
    .trim()
    .split("\n")
    .map((line) => {
      const [start = 0, end = 0] = line.split(" ").map(Number);
      return end - start;
    });
  return { first: FIRST / (seconds[0] ?? Number.NaN), last: LAST / (seconds[2] ?? Number.NaN) };
}

async function pipelined(name: string): Promise<void> {
  const rates: number[] = [];
  const times = name === "set sync" ? PIPELINED / 2 : PIPELINED;
  for (let round = -1; round < rounds; round++) {
    const seconds = await keepInFlight(name, times);
    if (round >= 0) rates.push(times / seconds);
  }
  console.log(`${name.padEnd(10)} ${rate(rates)} a second`);
}

/** Sends as many requests as replies came back, until all are answered; seconds. */
async function keepInFlight(name: string, times: number): Promise<number> {
  const shell = spawn(shellCommand(name), { stdin: "pipe", stdout: "pipe" });
  const request = Buffer.from(`${REQUESTS[name]}\n`);
  const block = Buffer.alloc(request.length * IN_FLIGHT, request);
  let sent = 0;
  let answered = 0;
  const send = (count: number): void => {
    const more = Math.min(count, times - sent);
    sent += more;
    void shell.stdin.write(block.subarray(0, more * request.length));
    void shell.stdin.flush();
  };
  const start = performance.now();
  send(IN_FLIGHT);
  for await (const chunk of shell.stdout) {
    const replies = countLines(chunk);
    answered += replies;
    if (answered === times) break;
    send(replies);
  }
  const seconds = (performance.now() - start) / 1000;
  void shell.stdin.end();
  await shell.exited;
  return seconds;
}

function countLines(chunk: Uint8Array): number {
  let lines = 0;
  for (const byte of chunk) if (byte === 0x0a) lines += 1;
  return lines;
}

function rate(values: readonly number[]): string {
  return Math.round(median(values)).toLocaleString("en").padStart(9);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
