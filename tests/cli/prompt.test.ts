import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { spawn } from "bun";
import { KVS, Sandbox } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

const LONGEST_WAIT_MS = 20_000;

/** `kvs shell` at a terminal. */
class Prompt implements AsyncDisposable {
  readonly #process: Bun.Subprocess;
  #shown = "";

  private constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#process = spawn(["bash", "-c", `"$0" shell "$@"; echo "END $?"; stty -a`, KVS, ...args], {
      cwd: sandbox.directory,
      env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", ...env },
      terminal: {
        cols: 120,
        rows: 40,
        data: (_, bytes) => {
          this.#shown += Buffer.from(bytes).toString();
        },
      },
    });
  }

  static async start(
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Prompt> {
    const prompt = new Prompt(args, env);
    await prompt.until("kvs> ");
    return prompt;
  }

  /** Types keys, one after the other as a person does; what is shown until a text comes. */
  async type(keys: string, until = "\nkvs> "): Promise<string> {
    this.#shown = "";
    for (const key of keys) {
      this.#process.terminal?.write(key);
      await Bun.sleep(2);
    }
    return await this.until(until);
  }

  /** Types keys that arrive in one read, as those of a paste do. */
  async paste(keys: string, until = "\nkvs> "): Promise<string> {
    this.#shown = "";
    this.#process.terminal?.write(keys);
    return await this.until(until);
  }

  pidOfKvs(): number {
    const { pid } = this.#process;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
  }

  async until(text: string): Promise<string> {
    const deadline = performance.now() + LONGEST_WAIT_MS;
    while (!this.#plain().includes(text)) {
      if (performance.now() > deadline) throw new Error(`Waited for ${text}: ${JSON.stringify(this.#shown)}`);
      await Bun.sleep(5);
    }
    return this.#plain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
    this.#process.terminal?.close();
  }

  #plain(): string {
    return Bun.stripANSI(this.#shown).replaceAll("\r", "");
  }
}

describe("the prompt", () => {
  test("runs commands as the command line does, messages and all", async () => {
    await using prompt = await Prompt.start();
    expect(await prompt.type("set greeting hello\r")).toEndWith("\nkvs> ");
    expect(await prompt.type("get greeting\r")).toEndWith("\nhello\nkvs> ");
    expect(await prompt.type("get nobody\r")).toEndWith("\nkvs: Key not found\nkvs> ");
    expect(await prompt.type("gte greeting\r")).toContain(
      '\nkvs: Unknown command "gte", did you mean "get"?\n',
    );
    expect(await prompt.type("help get\r")).toContain("\nUsage: kvs get KEY");
    expect(await prompt.type("\r")).toEndWith("\nkvs> ");
    expect(await prompt.type("shell\r")).toContain("\nkvs: This is the shell already\n");
    expect(await prompt.type("--quiet shell\r")).toContain("\nkvs: This is the shell already\n");
    expect(await prompt.type("exit\r", "END")).toContain("END 0");
    expect(sandbox.bytes(["list"]).toString()).toBe("greeting\thello\n");
  });

  test("splits words as a shell does, and expands nothing", async () => {
    await using prompt = await Prompt.start();
    await prompt.type(`set 'two words' "it's \\"so\\" $HOME"\r`);
    await prompt.type("set a\\ b *;c|$(touch\\ x)>y\r");
    expect(await prompt.type("set k 'open\r")).toContain("\nkvs: A quote is not closed: '\n");
    expect(await prompt.type("set empty ''\r")).toEndWith("\nkvs> ");
    expect(await prompt.type("quit\r", "END")).toContain("END 0");
    expect(sandbox.bytes(["get", "two words"]).toString()).toBe('it\'s "so" $HOME');
    expect(sandbox.bytes(["get", "a b"]).toString()).toBe("*;c|$(touch x)>y");
    expect(sandbox.bytes(["get", "empty"]).toString()).toBe("");
    expect(readdirSync(sandbox.directory)).toEqual(["kvs_logs"]);
  });

  test("completes commands, flags and keys", async () => {
    sandbox.bytes(["set", "with space", "spaced"]);
    sandbox.bytes(["set", 'with"quote', "quoted"]);
    sandbox.bytes(["set", "plain", "unadorned"]);
    await using prompt = await Prompt.start();
    expect(await prompt.type("ge\tpl\t\r")).toContain("\nunadorned\n");
    expect(await prompt.type("get with\\ \t\r")).toContain("\nspaced\n");
    expect(await prompt.type("get 'with \t\r")).toContain("\nspaced\n");
    expect(await prompt.type("get --defa\tnone nobody\r")).toContain("\nnone\n");
    expect(await prompt.type("get with\t\t", "quote")).toContain('with\\"quote');
  });

  test("remembers what was typed, and writes it nowhere", async () => {
    await using prompt = await Prompt.start([], { HOME: sandbox.directory });
    await prompt.type("set password secret\r");
    await prompt.type("get password\r");
    expect(await prompt.type("\x1b[A\r")).toContain("\nsecret\n");
    expect(await prompt.type("\x1b[A\x1b[A\x1b[A\r")).toContain("set password secret");
    await prompt.type("exit\r", "END");
    expect(readdirSync(sandbox.directory)).toEqual(["kvs_logs"]);
  });

  test("passes its own flags on, which a command may overrule", async () => {
    await using prompt = await Prompt.start(["--dir", "one", "--format", "json", "--durability", "os", "-q"]);
    await prompt.type("set k v\r");
    await prompt.type("set k w --dir two\r");
    expect(await prompt.type("get k\r")).toContain("\nv\n");
    expect(await prompt.type("get nobody -q\r")).not.toContain("kvs: ");
    expect(await prompt.type("get nobody\r")).not.toContain("kvs: ");
    expect(JSON.parse(sandbox.bytes(["stats", "--json", "--dir", "one"]).toString())).toMatchObject({
      format: "json",
    });
    expect(sandbox.bytes(["get", "k", "--dir", "two"]).toString()).toBe("w");
  });

  test("lets a command read from the terminal", async () => {
    sandbox.bytes(["set", "user/1", "v"]);
    await using prompt = await Prompt.start();
    await prompt.type("rm --prefix user/\r", "[y/N] ");
    await prompt.type("y\r");
    expect(await prompt.type("count\r")).toContain("\n0\n");
  });

  test("drops the line on Ctrl-C, and ends on Ctrl-D with exit code 0", async () => {
    await using prompt = await Prompt.start();
    expect(await prompt.type("set k v\x03")).toContain("^C\n");
    expect(await prompt.type("count\r")).toContain("\n0\n");
    const end = await prompt.type("\x04", " echo");
    expect(end).toContain("END 0");
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
  });

  test("takes the lines of a paste one after the other", async () => {
    await using prompt = await Prompt.start();
    await prompt.type("incr n\rincr n\rincr n\rget n\rexit\r", "END");
    expect(sandbox.bytes(["get", "n"]).toString()).toBe("3");
  });

  test("waits for what a key does before it heeds the next, though they come in one read", async () => {
    sandbox.bytes(["set", "plain", "unadorned"]);
    await using prompt = await Prompt.start();
    expect(await prompt.paste("ge\tpl\t\r")).toContain("\nunadorned\n");
    expect(await prompt.paste("set älter 1\rget äl\t\rexit\rset never 1\r", "END")).toContain("\n1\n");
    await using other = await Prompt.start();
    expect(await other.paste("\x04set never 1\r", "END")).toContain("END 0");
    expect(sandbox.bytes(["list", "--keys"]).toString()).toBe("plain\nälter\n");
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("dies of %s and leaves the terminal as it was", async (signal, code) => {
    await using prompt = await Prompt.start();
    process.kill(prompt.pidOfKvs(), signal);
    const end = await prompt.until(" echo");
    expect(end).toContain(`END ${code}`);
    expect(end).toMatch(/[^-]icanon/);
  });
});
