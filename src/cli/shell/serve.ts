import { ByteWriter } from "../../format/bytes.ts";
import { MAX_FRAME_BYTES } from "../../format/limits.ts";
import type { Awaitable } from "../client.ts";
import type { Context } from "../context.ts";
import { UsageError, verdictOn } from "../failures.ts";
import { readSome, standardInput, STDIN_NAME } from "../input.ts";
import { writeFully } from "../write-fully.ts";
import { STDOUT } from "../terminal.ts";
import { withTypedPaths } from "../typed-paths.ts";
import { escapeField } from "./field-escapes.ts";
import { LineSplitter } from "./line-splitter.ts";
import { checkRequest, splitFields, textOf } from "./request.ts";
import { type Reply, REQUESTS } from "./requests.ts";
import { Session } from "./session.ts";

/** What a pipe holds on Linux. */
const CHUNK_BYTES = 64 * 1024;
/** Replies are sent when they have grown to this, even if more requests have been read. */
const REPLIES_BYTES = 64 * 1024;

/** While requests come, the event loop has a turn as often as this. */
const TURN_MS = 50;

/**
 * Answers requests, a line each, until standard input ends. Reads block the
 * thread: through the event loop, a request and its reply take twice as long.
 * All requests that came together share one sync and one write, and no reply is
 * sent before it is true. A signal therefore needs no handler: whenever it comes,
 * what was answered holds, and the system gives the lock back.
 */
export async function serve(data: Context): Promise<void> {
  const input = standardInput();
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const lines = new LineSplitter(MAX_FRAME_BYTES);
  const replies = new Replies(data);
  let turnedAt = performance.now();
  for (let count = 1; (count = readSome(input, chunk, 0, STDIN_NAME)) > 0;) {
    lines.push(chunk.subarray(0, count));
    for (let line; (line = lines.next()) !== undefined;) {
      const pending = replies.answer(line) ?? replies.sendIfMany();
      // oxlint-disable-next-line no-await-in-loop -- requests are answered in their order
      if (pending !== undefined) await pending;
    }
    const sending = replies.send();
    // oxlint-disable-next-line no-await-in-loop -- as above
    if (sending !== undefined) await sending;
    // oxlint-disable-next-line no-await-in-loop -- as above
    if (performance.now() - turnedAt >= TURN_MS) turnedAt = await takeTurn();
  }
  if (lines.isUnfinished) replies.refuse("Request does not end in a newline");
  await replies.send();
}

/** Lets the engine hear from its Worker, and do what it has put off; the time after that. */
async function takeTurn(): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve));
  return performance.now();
}

/** Replies that were not sent yet. */
class Replies {
  readonly #session: Session;
  readonly #typedPaths: readonly string[];
  readonly #bytes = new ByteWriter(REPLIES_BYTES);
  #count = 0;
  /** Where the replies begin that depend on writes: all from the first request that may write. */
  #unsettled: { readonly bytes: number; readonly count: number } | undefined;

  constructor(data: Context) {
    this.#session = new Session(data);
    this.#typedPaths = data.typedPaths;
  }

  /** Answers one request; a promise only where the store is opened, or is far away. */
  answer(line: Buffer | null): Promise<void> | undefined {
    try {
      const done = this.#carryOut(line);
      if (!(done instanceof Promise)) return this.#add(done);
      return done.then(
        (reply) => this.#add(reply),
        (error: unknown) => this.#addError(error),
      );
    } catch (error) {
      return this.#addError(error);
    }
  }

  /** Answers what is no request. */
  refuse(reason: string): void {
    this.#addError(new UsageError(reason));
  }

  sendIfMany(): Promise<void> | undefined {
    return this.#bytes.length < REPLIES_BYTES ? undefined : this.send();
  }

  /** Makes the replies true, then sends them; a promise only where the store is far away, or failed. */
  send(): Promise<void> | undefined {
    if (this.#unsettled === undefined) return this.#handOver();
    try {
      const settling = this.#session.settle();
      if (settling === undefined) return this.#handOver();
      return settling.then(
        () => this.#handOver(),
        async (error) => this.#fail(error),
      );
    } catch (error) {
      return this.#fail(error);
    }
  }

  #carryOut(line: Buffer | null): Awaitable<Reply> {
    if (line === null) throw new UsageError("Request is too long");
    const fields = splitFields(line);
    const name = textOf(fields[0] ?? "");
    const kind = REQUESTS.get(name);
    if (kind === undefined) throw new UsageError(`Unknown request "${name}"`);
    const flags = checkRequest(fields, kind);
    if (kind.access !== "read") this.#unsettled ??= { bytes: this.#bytes.length, count: this.#count };
    const client = this.#session.current(kind.access);
    if (client !== undefined) return kind.answer(client, fields, flags);
    return this.#session.open(kind.access).then((opened) => kind.answer(opened, fields, flags));
  }

  #add([word, ...fields]: Reply): undefined {
    let line: string = word;
    for (const field of fields) line += `\t${escapeField(asLatin1(field))}`;
    const at = this.#bytes.length;
    this.#bytes.length += this.#bytes.reserve(line.length + 1).latin1Write(`${line}\n`, at);
    this.#count += 1;
  }

  #addError(error: unknown): undefined {
    const { exitCode, message } = verdictOn(error);
    const shown = withTypedPaths(message, this.#typedPaths);
    this.#add(["error", String(exitCode), Buffer.from(shown)]);
  }

  /** Settling failed: everything since the first write is unknown, and answered so. The store is opened again. */
  async #fail(error: unknown): Promise<void> {
    await this.#session.close();
    const { bytes, count } = this.#unsettled ?? { bytes: 0, count: 0 };
    const unknown = this.#count - count;
    this.#bytes.length = bytes;
    for (let at = 0; at < unknown; at++) this.#addError(error);
    this.#handOver();
  }

  #handOver(): undefined {
    this.#unsettled = undefined;
    writeFully(STDOUT, this.#bytes.view(), "standard output");
    this.#bytes.clear();
    this.#count = 0;
  }
}

/** Bytes as text, a character each; what is text already is ASCII. */
function asLatin1(field: Uint8Array | string): string {
  return typeof field === "string"
    ? field
    : Buffer.from(field.buffer, field.byteOffset, field.byteLength).latin1Slice();
}
