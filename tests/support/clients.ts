import type { OpenOptions } from "../../src/index.ts";
import { answerOf } from "./run-command.ts";
import { kvsCommand, type Program, serving, Session } from "./session.ts";

/** Somebody who asks a store one thing after the other, and may be killed while it waits. */
export interface Client {
  readonly name: string;
  /** The reply, or undefined where the process died before it. Whoever is killed is dead when this returns. */
  ask(fields: readonly string[], options?: { readonly killAfterMs?: number }): Promise<string | undefined>;
  /** Lets it end in peace. */
  end(): Promise<void>;
}

/** One long-lived process; after its death, another one. */
export class SessionClient implements Client {
  readonly name: string;
  readonly #start: () => Session;
  #session: Session | undefined;

  constructor(program: Program, path: string, options: OpenOptions) {
    this.name = `${program} session`;
    this.#start = () => new Session(serving(program, path, options));
  }

  async ask(
    fields: readonly string[],
    { killAfterMs }: { readonly killAfterMs?: number } = {},
  ): Promise<string | undefined> {
    this.#session ??= this.#start();
    const session = this.#session;
    const reply = session.ask(fields.join("\t"));
    if (killAfterMs !== undefined) {
      await Bun.sleep(killAfterMs);
      session.kill();
    } else if ((await reply) !== undefined) return await reply;
    await this.end();
    if (killAfterMs === undefined) throw new Error(`${this.name} died by itself`);
    return await reply;
  }

  async end(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    const { stderr } = (await session?.end()) ?? { stderr: "" };
    if (stderr !== "") throw new Error(`${this.name} said ${stderr}`);
  }
}

/** A process for each question. */
export class OneShotClient implements Client {
  readonly name = "one-shots";
  readonly #path: string;
  readonly #options: OpenOptions;

  constructor(path: string, options: OpenOptions) {
    this.#path = path;
    this.#options = options;
  }

  async ask(
    fields: readonly string[],
    options: { readonly killAfterMs?: number } = {},
  ): Promise<string | undefined> {
    const command = kvsCommand(this.#path, this.#options, fields);
    const { code, stdout, stderr } = await answerOf(command, options);
    if (code === null) return undefined;
    return replyOf(fields[0] ?? "", code, stdout) ?? `error\t${code}\t${stderr.trim()}`;
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}

/** What the answer of a command is in the words of `kvs shell`; undefined for an error. */
function replyOf(name: string, code: number, stdout: string): string | undefined {
  if (code > 1) return undefined;
  if (code === 1) return name === "set" ? "no" : "none";
  if (name === "get") return `value\t${stdout}`;
  if (name === "incr") return `value\t${stdout.trimEnd()}`;
  if (name !== "list") return "ok";
  return ["list", ...stdout.split("\n").slice(0, -1)].join("\t");
}
