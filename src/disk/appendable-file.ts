import * as fs from "node:fs";
import { KvsError } from "../format/errors.ts";
import { hasBug } from "../format/seeded-bugs.ts";
import type { AppendableFile } from "./disk.ts";
import { ioError, system } from "./io-error.ts";
import { syncHard, syncHardInBackground } from "./sync.ts";

type Sink = ReturnType<ReturnType<typeof Bun.file>["writer"]>;

/** Wraps a descriptor that was opened for appending. */
export function appendableFile(path: string, fd: number): AppendableFile {
  return new SinkFile(path, fd);
}

/**
 * Appends through a `FileSink`, which reports an error only to a caller that
 * writes and flushes in one step and then looks at what it returned. The file's
 * size has the last word.
 */
class SinkFile implements AppendableFile {
  readonly path: string;
  readonly #fd: number;
  #sink: Sink;
  #syncsUnderWay = 0;
  #closed = false;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.#sink = system("open", path, () => Bun.file(fd).writer());
  }

  append(bytes: Uint8Array, at: number): void {
    const expected = at + bytes.length;
    try {
      const written = failureOf(this.#sink.write(bytes));
      const failure = written ?? failureOf(this.#sink.flush());
      if (failure !== undefined) throw failure.cause;
    } catch (error) {
      this.#abandonSink();
      throw ioError("write to", this.path, error);
    }
    const size = this.size();
    if (size !== expected && !hasBug("ignore a short write")) {
      this.#abandonSink();
      throw new KvsError("IO", `Cannot write to "${this.path}": its size is ${size}, expected ${expected}`, {
        file: this.path,
      });
    }
  }

  size(): number {
    return system("examine", this.path, () => fs.fstatSync(this.#fd).size);
  }

  truncate(size: number): void {
    system("cut off the end of", this.path, () => fs.ftruncateSync(this.#fd, size));
  }

  sync(): void {
    system("sync", this.path, () => syncHard(this.#fd));
  }

  async syncInBackground(): Promise<void> {
    this.#syncsUnderWay += 1;
    try {
      await syncHardInBackground(this.#fd);
    } catch (error) {
      throw ioError("sync", this.path, error);
    } finally {
      this.#syncsUnderWay -= 1;
      this.#closeIfIdle();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // A sink has a descriptor of its own; nothing is buffered in it by now.
    failureOf(this.#sink.end());
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#closed && this.#syncsUnderWay === 0) system("close", this.path, () => fs.closeSync(this.#fd));
  }

  /** A sink that failed still holds the bytes and would write them behind later ones; dropped, it loses them. */
  #abandonSink(): void {
    this.#sink = Bun.file(this.#fd).writer();
  }
}

/** A sink's answer is a number, or a promise that it failed to keep. */
function failureOf(answer: number | Promise<number>): { readonly cause: unknown } | undefined {
  if (typeof answer === "number") return undefined;
  answer.catch(() => {});
  const settled: unknown = Bun.peek(answer);
  return { cause: settled instanceof Error ? settled : new Error("the write did not complete") };
}
