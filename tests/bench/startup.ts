/**
 * Times `kvs get` and `kvs set` as whole processes against a compiled program
 * that only prints a line. The commands take turns one by one, so that what
 * slows the machine down slows all of them; what counts is the median of the
 * ratios, round by round.
 *
 * Usage: bun tests/bench/startup.ts [ROUNDS]
 */
import { spawnSync } from "bun";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const WARM_UP_ROUNDS = 10;
const rounds = Number(process.argv[2] ?? 200);
const directory = mkdtempSync(join(tmpdir(), "kvs-bench-"));
const kvs = join(directory, "kvs");

try {
  // Both programs are written now: how the page cache holds a file that was
  // written at another time makes a fifth of the time of so short a run.
  copyFileSync(resolve(process.env["KVS_BINARY"] ?? "dist/kvs"), kvs);
  report(measure(compileHello()));
} finally {
  rmSync(directory, { recursive: true });
}

/** The program that every compiled Bun program takes at least as long as. */
function compileHello(): string {
  const source = join(directory, "hello.ts");
  const binary = join(directory, "hello");
  writeFileSync(source, 'console.log("hello");\n');
  const flags = ["--compile", "--bytecode", "--format=esm", "--minify-syntax", "--minify-whitespace"];
  const built = spawnSync([process.execPath, "build", ...flags, source, "--outfile", binary]);
  if (!built.success) throw new Error(`Cannot compile hello: ${built.stderr.toString()}`);
  return binary;
}

function measure(hello: string): ReadonlyMap<string, number[]> {
  const store = join(directory, "store");
  const commands: Readonly<Record<string, readonly string[]>> = {
    hello: [hello],
    "set --durability os": [kvs, "set", "--durability", "os", "--dir", store, "mykey", "Hello, World!"],
    set: [kvs, "set", "--dir", store, "mykey", "Hello, World!"],
    get: [kvs, "get", "--dir", store, "mykey"],
    exists: [kvs, "exists", "--dir", store, "mykey"],
  };
  const times = new Map<string, number[]>(Object.keys(commands).map((name) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    for (const [name, command] of rotated(Object.entries(commands), round + WARM_UP_ROUNDS)) {
      const milliseconds = timeOf(command);
      if (round >= 0) times.get(name)?.push(milliseconds);
    }
  }
  return times;
}

/** Each round starts with another command: what runs first in a round is a little slower. */
function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function timeOf(command: readonly string[]): number {
  const start = performance.now();
  const { success } = spawnSync([...command], { stdout: "pipe", stderr: "pipe" });
  const milliseconds = performance.now() - start;
  if (!success) throw new Error(`Cannot run ${command.join(" ")}`);
  return milliseconds;
}

function report(times: ReadonlyMap<string, number[]>): void {
  const base = times.get("hello") ?? [];
  console.log(`${rounds} rounds, interleaved; ratio: median over the rounds of time / hello's time`);
  for (const [name, milliseconds] of times) {
    const ratios = milliseconds.map((value, round) => value / (base[round] ?? Number.NaN));
    console.log(
      `${name.padEnd(22)} ${median(milliseconds).toFixed(2).padStart(7)} ms  ${median(ratios).toFixed(3)}`,
    );
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
