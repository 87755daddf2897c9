import { KvsError } from "../format/errors.ts";
import { hasBug } from "../format/seeded-bugs.ts";
import type { AppendableFile } from "./disk.ts";
import { ioError, system } from "./io-error.ts";
import { nodeFs } from "./node-fs.ts";
import type { OpenFile } from "./open-file.ts";
import { syncHardInBackground } from "./sync.ts";
import type { SystemCalls } from "./system-calls.ts";
import { beginWriteBack } from "./write-back.ts";

type Sink = ReturnType<ReturnType<typeof Bun.file>["writer"]>;

/** Wraps a file that was opened for appending. */
export function appendableFile(file: OpenFile): AppendableFile {
  return new SinkFile(file);
}

/**
 * Appends through a `FileSink`, which reports an error only to a caller that
 * writes and flushes in one step and then looks at what it returned. The file's
 * size has the last word.
 */
class SinkFile implements AppendableFile {
  readonly path: string;
  readonly #fd: number;
  readonly #calls: SystemCalls;
  #sink: Sink;
  #syncsUnderWay = 0;
  #closed = false;

  constructor({ path, fd, calls }: OpenFile) {
    this.path = path;
    this.#fd = fd;
    this.#calls = calls;
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
    return system("examine", this.path, () => this.#calls.status(this.#fd).size);
  }

  truncate(size: number): void {
    system("cut off the end of", this.path, () => nodeFs().ftruncateSync(this.#fd, size));
  }

  beginWriteBack(position: number, bytes: number): void {
    beginWriteBack(this.#fd, position, bytes);
  }

  sync(): void {
    system("sync", this.path, () => this.#calls.sync(this.#fd));
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
    // To close that it starts a thread, which takes a process of one write a thirtieth of its time.
    if (!this.#calls.isBrief) failureOf(this.#sink.end());
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (!this.#closed || this.#syncsUnderWay > 0) return;
    system("close", this.path, () => this.#calls.close(this.#fd));
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
