import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, rotated } from "../statistics.ts";
import { requireTools } from "../tools.ts";
import { PROGRAMS } from "./all.ts";
import { type Act, ACTS, type Program, VALUE } from "./program.ts";

const WARM_UP_RUNS = 3;
/** Stores are no larger than this: the peers take long to fill. */
const MOST_KEYS = 1_000_000;

export interface ProgramSettings {
  readonly programs: readonly string[];
  /** A store of one key is measured, and one of so many. */
  readonly keys: number;
  readonly runs: number;
  /** Longest time for the runs on one size of store. */
  readonly seconds: number;
  /** An empty directory. */
  readonly scratch: string;
  readonly onProgress: (message: string) => void;
}

/** All runs of one command. */
export interface ProgramSummary {
  readonly program: string;
  readonly act: Act;
  readonly keys: number;
  readonly runs: number;
  /** Milliseconds of a whole process, the median. */
  readonly median: number;
  /** Time as a multiple of the yardstick's, the median of the ratios, run by run. */
  readonly ratio: number;
}

/** Times the programs as whole processes, in turns, against one that only prints a line. */
export async function measurePrograms(settings: ProgramSettings): Promise<ProgramSummary[]> {
  const kinds = PROGRAMS.filter(({ name }) => settings.programs.includes(name));
  if (kinds.length === 0) return [];
  requireTools(kinds.flatMap(({ tools }) => tools));
  const hello = compileHello(settings.scratch);
  const summaries: ProgramSummary[] = [];
  for (const keys of new Set([1, Math.min(settings.keys, MOST_KEYS)])) {
    settings.onProgress(`programs, ${keys.toLocaleString("en")} keys`);
    const running = new Map<string, Program>();
    try {
      for (const kind of kinds) {
        const directory = join(settings.scratch, kind.name);
        rmSync(directory, { recursive: true, force: true });
        mkdirSync(directory, { recursive: true });
        running.set(kind.name, await kind.start(directory, keys));
      }
      summaries.push(...timeAll(running, hello, settings).map((summary) => ({ ...summary, keys })));
    } finally {
      await Promise.all(running.values().map(async (program) => program.stop()));
    }
  }
  return summaries;
}

/** The yardstick, compiled like kvs: what every such program takes at least. */
function compileHello(directory: string): string {
  const source = join(directory, "hello.ts");
  const binary = join(directory, "hello");
  writeFileSync(source, 'console.log("hello");\n');
  const flags = ["--compile", "--bytecode", "--format=esm", "--minify-syntax", "--minify-whitespace"];
  // Looking for .env reads every directory above the current one, which may take longer than all the rest.
  flags.push("--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig");
  const built = Bun.spawnSync([process.execPath, "build", ...flags, source, "--outfile", binary]);
  if (!built.success) throw new Error(`Cannot compile hello: ${built.stderr.toString()}`);
  return binary;
}

interface Timed {
  readonly program: string;
  readonly act: Act;
  readonly command: readonly string[];
  readonly milliseconds: number[];
}

function timeAll(
  running: ReadonlyMap<string, Program>,
  hello: string,
  { runs, seconds }: ProgramSettings,
): Array<Omit<ProgramSummary, "keys">> {
  const yardstick: number[] = [];
  const all = [...running].flatMap(([name, program]) =>
    ACTS.map((act): Timed => ({ program: name, act, command: program.commandOf(act), milliseconds: [] })),
  );
  const deadline = performance.now() + seconds * 1000;
  for (let run = -WARM_UP_RUNS; run < runs && (run < 1 || performance.now() < deadline); run += 1) {
    const base = timeOf([hello], "hello");
    if (run >= 0) yardstick.push(base);
    for (const { act, command, milliseconds } of rotated(all, run + WARM_UP_RUNS)) {
      const time = timeOf(command, act === "get" ? VALUE : "");
      if (run >= 0) milliseconds.push(time);
    }
  }
  return all.map(({ program, act, milliseconds }) => ({
    program,
    act,
    runs: milliseconds.length,
    median: median(milliseconds),
    ratio: median(milliseconds.map((value, run) => value / (yardstick[run] ?? Number.NaN))),
  }));
}

function timeOf(command: readonly string[], expected: string): number {
  const start = performance.now();
  const { success, stdout, stderr } = Bun.spawnSync([...command], { stdout: "pipe", stderr: "pipe" });
  const milliseconds = performance.now() - start;
  if (!success || !stdout.toString().includes(expected))
    throw new Error(`Cannot run ${command.join(" ")}: ${stderr.toString()}${stdout.toString()}`);
  return milliseconds;
}
