import { spawnSync } from "bun";
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KvStore } from "../../../src/index.ts";
import { KVS } from "../run-kvs.ts";
import { type Condition, type Content, SEED } from "./cell.ts";

/** Permissions bind everybody but root. */
const NOBODY = 65_534;
const LOG = "1.log";
/** What was removed again, so that the log is longer than every other file of the store. */
const PADDING = "x".repeat(200);
/** Where the first record's bytes are. */
const DAMAGED_OFFSET = 90;

/** How a run ended. */
export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a line is run in a condition: standard output may be closed, or be a pipe that nobody reads. */
export function waysOf(condition: Condition): ReadonlyArray<(line: string) => string> {
  if (condition !== "closed stdout") return [(line) => line];
  return [(line) => `{ ${line}; } >&-`, (line) => `exec 8> >(:); wait $!; { ${line}; } >&8`];
}

/** A fresh store in a condition, and runs of bash in the directory it lies in, in which `kvs` is the executable. */
export class Environment implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), "kvs-table-"));
  readonly #store: string = join(this.directory, "kvs_logs");
  readonly #condition: Condition;

  constructor(condition: Condition) {
    this.#condition = condition;
    using store = KvStore.open(this.#store);
    store.set("padding", PADDING);
    for (const [key, value] of Object.entries(SEED)) store.set(key, value);
    store.remove("padding");
    store.close();
    if (condition === "corrupt store") this.#damage();
  }

  /** Runs a line of bash. */
  run(line: string): Ended {
    if (this.#condition === "locked store")
      return this.#whileLocked(() => this.#bash(line, { KVS_WAIT: "20ms" }));
    if (this.#condition === "read-only directory") return this.#whileReadOnly(() => this.#bash(line));
    return this.#bash(line);
  }

  /** What the store holds. */
  content(): Content {
    using store = KvStore.open(this.#store, { readOnly: true });
    return Object.fromEntries(store.entries());
  }

  /** What a run that changes nothing leaves as it is. */
  traces(): unknown {
    const names = [this.directory, this.#store].map((directory) => readdirSync(directory).toSorted());
    const isLock = (name: string): boolean => name === "LOCK" || name === "COMPACT";
    return {
      names: names.map((all) => all.filter((name) => !isLock(name))),
      log: readFileSync(join(this.#store, LOG)).toString("hex"),
    };
  }

  /** Puts what only this run knows in its place. */
  fill(text: string): string {
    return text.replaceAll("{store}", this.#store).replaceAll("{holder}", String(process.pid));
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The callback of an update runs with the lock held. */
  #whileLocked(run: () => Ended): Ended {
    using store = KvStore.open(this.#store);
    let ended: Ended | undefined;
    store.update("k", () => {
      ended = run();
      return undefined;
    });
    if (ended === undefined) throw new Error("The update did not run");
    return ended;
  }

  #whileReadOnly(run: () => Ended): Ended {
    const files = readdirSync(this.#store).map((name) => join(this.#store, name));
    for (const file of files) chmodSync(file, 0o444);
    for (const directory of [this.#store, this.directory]) chmodSync(directory, 0o555);
    try {
      return run();
    } finally {
      for (const directory of [this.#store, this.directory]) chmodSync(directory, 0o700);
    }
  }

  #damage(): void {
    const fd = openSync(join(this.#store, LOG), "r+");
    writeSync(fd, Buffer.of(0xa5), 0, 1, DAMAGED_OFFSET);
    closeSync(fd);
  }

  #bash(line: string, env: Readonly<Record<string, string>> = {}): Ended {
    const limit = this.#condition === "no space" ? ["prlimit", `--fsize=${this.#logBytes()}`] : [];
    const asNobody = this.#condition === "read-only directory" && process.getuid?.() === 0;
    const { exitCode, stdout, stderr } = spawnSync(
      [...limit, "bash", "-c", `kvs() { "${KVS}" "$@"; }\n${line}`],
      {
        cwd: this.directory,
        env: { PATH: process.env["PATH"] ?? "", ...env },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        ...(asNobody ? { uid: NOBODY } : {}),
      },
    );
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  #logBytes(): number {
    return statSync(join(this.#store, LOG)).size;
  }
}
