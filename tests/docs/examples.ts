import { spawnSync } from "bun";
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KVS } from "../cli/run-kvs.ts";

/** An empty directory in which scripts run that call `kvs`, with no other `KVS_` variable than their own. */
export class Workplace implements Disposable {
  readonly directory: string;
  readonly #bin: string;

  constructor() {
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), "kvs-example-")));
    this.#bin = realpathSync(mkdtempSync(join(tmpdir(), "kvs-bin-")));
    symlinkSync(KVS, join(this.#bin, "kvs"));
  }

  /** Runs a script of bash; what it prints, messages among the rest, and its exit code. */
  run(script: string): { readonly output: string; readonly exitCode: number | null } {
    const { stdout, exitCode } = spawnSync(["bash", "-c", `exec 2>&1\n${script}`], {
      cwd: this.directory,
      env: { PATH: `${this.#bin}:${process.env["PATH"] ?? ""}`, HOME: this.directory, LC_ALL: "C.UTF-8" },
      stdin: "ignore",
      stdout: "pipe",
    });
    return { output: stdout.toString(), exitCode };
  }

  [Symbol.dispose](): void {
    for (const path of [this.directory, this.#bin]) rmSync(path, { recursive: true, force: true });
  }
}

/** What stands for the directory in which somebody else runs an example. */
const ELSEWHERE = "/home/you";

/**
 * Runs the examples of a command, one after the other in one directory, and
 * returns what each prints. What differs from run to run is put the same:
 * the directory, identifiers, points in time, and what is left of ten minutes.
 */
export function outputsOf(examples: readonly string[]): string[] {
  using workplace = new Workplace();
  return examples.map((example) => {
    const { output, exitCode } = workplace.run(example);
    if (exitCode !== 0) throw new Error(`The example "${example}" exits ${exitCode}: ${output}`);
    return output
      .replaceAll(workplace.directory, ELSEWHERE)
      .replace(/\b[0-9a-f]{16,}\b/g, (id) => "0123456789abcdef".repeat(4).slice(0, id.length))
      .replace(/\b1[5-9]\d{11}\b/g, "1767225600000")
      .replace(/^59\d{4}$/gm, "599987");
  });
}
