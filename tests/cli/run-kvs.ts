import { spawn, spawnSync } from "bun";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The executable under test. */
export const KVS: string = resolve(import.meta.dir, "../..", process.env["KVS_BINARY"] ?? "dist/kvs");

/** How a run ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Run as this user, not as ours. */
  readonly uid?: number;
}

/** An empty directory in which kvs runs with no `KVS_` variables. */
export class Sandbox implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), "kvs-cli-"));

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Runs kvs with these arguments. */
  kvs(args: readonly string[], options: RunOptions = {}): Ended {
    const ended = this.#spawn([KVS, ...args], options);
    return { ...ended, stdout: ended.stdout.toString(), stderr: ended.stderr.toString() };
  }

  /** Runs kvs, which must succeed in silence, and returns its output byte for byte. */
  bytes(args: readonly string[], options: RunOptions = {}): Buffer {
    const { exitCode, stdout, stderr } = this.#spawn([KVS, ...args], options);
    if (exitCode !== 0 || stderr.length > 0)
      throw new Error(`kvs ${args.join(" ")}: ${exitCode} ${stderr.toString()}`);
    return stdout;
  }

  /** Runs a script of bash, in which `kvs` is the executable under test. */
  bash(script: string): Ended {
    const ended = this.#spawn(["bash", "-c", `kvs() { "${KVS}" "$@"; }\n${script}`], {});
    return { ...ended, stdout: ended.stdout.toString(), stderr: ended.stderr.toString() };
  }

  /**
   * Runs kvs at a terminal and returns what that shows. Once it shows `prompt`,
   * the answer is typed.
   */
  async atTerminal(
    args: readonly string[],
    options: {
      readonly env?: Readonly<Record<string, string>>;
      readonly prompt?: string;
      readonly answer?: string;
    } = {},
  ): Promise<string> {
    const { env, prompt, answer } = options;
    let shown = "";
    let isAnswered = prompt === undefined;
    const run = spawn([KVS, ...args], {
      cwd: this.directory,
      env: { TERM: "xterm", ...env },
      terminal: {
        cols: 200,
        rows: 50,
        data(terminal, data) {
          shown += Buffer.from(data).toString();
          if (isAnswered || !shown.includes(prompt ?? "")) return;
          isAnswered = true;
          terminal.write(`${answer}\n`);
        },
      },
    });
    await run.exited;
    run.terminal?.close();
    return shown;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #spawn(command: string[], { stdin, env, uid }: RunOptions): SpawnedBytes {
    const { exitCode, stdout, stderr } = spawnSync(command, {
      cwd: this.directory,
      env: { PATH: process.env["PATH"] ?? "", ...env },
      stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
      stdout: "pipe",
      stderr: "pipe",
      ...(uid === undefined ? {} : { uid }),
    });
    return { exitCode, stdout, stderr };
  }
}

interface SpawnedBytes {
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** A run that succeeded without a message. */
export function printed(stdout: string): Ended {
  return { exitCode: 0, stdout, stderr: "" };
}

/** A run that ended with a message and printed no data. */
export function failed(exitCode: number, message: string): Ended {
  return { exitCode, stdout: "", stderr: `kvs: ${message}\n` };
}
