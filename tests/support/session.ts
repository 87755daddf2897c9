import { resolve } from "node:path";
import type { OpenOptions } from "../../src/index.ts";
import { KVS } from "../cli/run-kvs.ts";

const STORE_PROCESS: string = resolve(import.meta.dirname, "store-process.ts");

/** What has the store open: the executable, or a program that imports the library. */
export type Program = "binary" | "library";

/** A command line, and the variables it runs with. */
export interface Command {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Starts a process that answers requests, a line each, in the protocol of `kvs shell`. */
export function serving(program: Program, path: string, options: OpenOptions): Command {
  if (program === "binary") return kvsCommand(path, options, ["shell"]);
  return { argv: [process.execPath, STORE_PROCESS, path, JSON.stringify(options)], env: {} };
}

/** One run of the executable. */
export function kvsCommand(path: string, options: OpenOptions, args: readonly string[]): Command {
  return { argv: [KVS, "--dir", path, ...args], env: variablesOf(options) };
}

const VARIABLES: Readonly<Record<string, string>> = {
  generationBytes: "KVS_GENERATION_BYTES",
  compactionThreshold: "KVS_COMPACTION_THRESHOLD",
  compactionRatio: "KVS_COMPACTION_RATIO",
  bloomBitsPerKey: "KVS_BLOOM_BITS",
  cacheBytes: "KVS_CACHE_BYTES",
  durability: "KVS_DURABILITY",
  format: "KVS_FORMAT",
  mmap: "KVS_MMAP",
  autoCompact: "KVS_AUTO_COMPACT",
  waitMs: "KVS_WAIT",
};

/** The options of the library as the variables of the executable. */
function variablesOf(options: OpenOptions): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([option, value]: [string, unknown]) => {
      const name = VARIABLES[option];
      if (name === undefined) throw new Error(`There is no variable for ${option}`);
      const text = typeof value === "boolean" ? (value ? "on" : "off") : String(value);
      return [name, option === "waitMs" ? `${text}ms` : text];
    }),
  );
}

/** A process that is asked one thing after the other, and may die at any moment. */
export class Session {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #replies: AsyncIterator<string>;
  readonly #stderr: Promise<string>;

  constructor({ argv, env }: Command) {
    this.#process = Bun.spawn([...argv], {
      env: { PATH: process.env["PATH"] ?? "", TMPDIR: process.env["TMPDIR"] ?? "/tmp", ...env },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#replies = linesOf(this.#process.stdout);
    this.#stderr = this.#process.stderr.text();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The reply, or undefined from a process that died before it. */
  async ask(request: string): Promise<string | undefined> {
    try {
      await this.#process.stdin.write(`${request}\n`);
      await this.#process.stdin.flush();
    } catch {
      // It is dead; a reply that it gave before counts all the same.
    }
    const { value, done } = await this.#replies.next();
    return done === true ? undefined : value;
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.#process.kill(signal);
  }

  /** Ends its input and waits for its end. */
  async end(): Promise<{ readonly code: number | null; readonly stderr: string }> {
    try {
      await this.#process.stdin.end();
    } catch {
      // It is dead already.
    }
    await this.#process.exited;
    return { code: this.#process.exitCode, stderr: await this.#stderr };
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    // What is not a whole line was never said.
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
