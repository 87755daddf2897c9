import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawn } from "bun";
import { existsSync, readFileSync, statSync } from "node:fs";
import { KVS, Sandbox } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

/** Sends requests, a line each, and returns the replies. */
function ask(requests: readonly string[], args: readonly string[] = []): string[] {
  return askRaw(`${requests.join("\n")}\n`, args);
}

function askRaw(stdin: string | Uint8Array, args: readonly string[] = []): string[] {
  const { exitCode, stdout, stderr } = sandbox.kvs(["shell", ...args], { stdin });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout === "" || stdout.endsWith("\n")).toBe(true);
  return stdout.split("\n").slice(0, -1);
}

/** A session to which requests are sent one by one. */
class Session {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #replies: AsyncIterator<string>;

  constructor(args: readonly string[] = [], command: readonly string[] = [KVS]) {
    this.#process = spawn([...command, "shell", ...args], {
      cwd: sandbox.directory,
      env: { PATH: process.env["PATH"] ?? "" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#replies = linesOf(this.#process.stdout);
  }

  get pid(): number {
    return this.#process.pid;
  }

  async ask(request: string): Promise<string | undefined> {
    await this.#process.stdin.write(`${request}\n`);
    await this.#process.stdin.flush();
    const { value } = await this.#replies.next();
    return value as string | undefined;
  }

  async end(): Promise<{ code: number; signal: NodeJS.Signals | number | null; stderr: string }> {
    await this.#process.stdin.end();
    return await this.ended();
  }

  async ended(): Promise<{ code: number; signal: NodeJS.Signals | number | null; stderr: string }> {
    const stderr = await this.#process.stderr.text();
    const code = await this.#process.exited;
    return { code, signal: this.#process.signalCode, stderr };
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + Buffer.from(chunk).toString()).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

const DONE = { code: 0, signal: null, stderr: "" };

describe("requests", () => {
  test("are answered in order, one line each", () => {
    expect(
      ask([
        "get\tk",
        "exists\tk",
        "set\tk\tv",
        "get\tk",
        "exists\tk",
        "rm\tk",
        "rm\tk",
        "incr\tn",
        "incr\tn\t41",
        "incr\tn\t-2",
        "append\ta\tone",
        "append\ta\ttwo",
        "get\ta",
        "count",
        "count\t--prefix=a",
      ]),
    ).toEqual([
      "none",
      "none",
      "ok",
      "value\tv",
      "ok",
      "ok",
      "none",
      "value\t1",
      "value\t42",
      "value\t40",
      "ok",
      "ok",
      "value\tonetwo",
      "value\t2",
      "value\t1",
    ]);
    expect(sandbox.bytes(["list"]).toString()).toBe("a\tonetwo\nn\t40\n");
  });

  test("take conditions and times to live", () => {
    const replies = ask([
      "set\tk\t1\t--if-absent",
      "set\tk\t2\t--if-absent",
      "set\tk\t2\t--if-equals=1",
      "set\tk\t3\t--if-equals=1",
      "set\tnone\t3\t--if-equals=1",
      "rm\tk\t--if-equals=1",
      "rm\tk\t--print",
      "rm\tk\t--print",
      "set\tk\tv\t--ttl=10m\t--if-absent",
      "ttl\tk",
      "persist\tk",
      "ttl\tk",
      "expire\tk\t1h",
      "ttl\tk",
      "rm\tk\t--if-equals=v",
      "ttl\tk",
      "expire\tk\t1h",
      "persist\tk",
    ]);
    expect(
      replies.map((reply) => reply.replace(/\d{6,}/, (ms) => String(Math.ceil(Number(ms) / 60_000)))),
    ).toEqual([
      "ok",
      "no",
      "ok",
      "no",
      "no",
      "no",
      "value\t2",
      "none",
      "ok",
      "value\t10",
      "ok",
      "value\t-",
      "ok",
      "value\t60",
      "ok",
      "none",
      "none",
      "none",
    ]);
  });

  test("carry every byte in keys and values, and no reply holds a NUL", () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const escaped = Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
    const request = `set\t${escaped}\t${escaped}\nget\t${escaped}\nlist\n`;
    const reply = sandbox.bytes(["shell"], { stdin: request });
    expect(sandbox.bytes(["get", "--key-hex", bytes.toString("hex")])).toEqual(bytes);
    expect(reply.includes(0)).toBe(false);
    const [, value = ""] = reply.toString("latin1").split("\n");
    // What a reply holds is a request's field.
    const field = Buffer.from(value, "latin1").subarray("value\t".length);
    const copied = Buffer.concat([Buffer.from("set\tcopy\t"), field, Buffer.from("\n")]);
    expect(askRaw(copied)).toEqual(["ok"]);
    expect(sandbox.bytes(["get", "copy"])).toEqual(bytes);
  });

  test("escape what would end a field, as list does", () => {
    sandbox.bytes(["set", "k", "-"], { stdin: "a\tb\nc\rd\\e\0f" });
    expect(ask(["get\tk"])).toEqual(["value\ta\\tb\\nc\\rd\\\\e\\x00f"]);
    expect(ask(["set\tempty\t", "get\tempty", "set\t\tempty key", "get\t"])).toEqual([
      "ok",
      "value\t",
      "ok",
      "value\tempty key",
    ]);
  });

  test("that are wrong are answered with an error, and the session goes on", () => {
    sandbox.bytes(["set", "word", "x"]);
    expect(
      ask([
        "",
        "frobnicate\tk",
        "get",
        "get\tk\tl",
        "set\tk",
        "set\tk\tv\t--if-absent=1",
        "set\tk\tv\t--ttl=soon",
        "set\tk\tv\t--ttl=1s\t--ttl=2s",
        "set\tk\tv\t--if-absent\t--if-equals=v",
        "rm\tword\t--print\t--if-equals=x",
        "incr\tword",
        "incr\tk\tone",
        "incr\tk\t9007199254740992",
        "expire\tword\t0s",
        "list\t--limit=few",
        "get\ta\\qb",
        "get\ta\\x4",
        "get\ta\\",
        `get\t${"k".repeat(65_536)}`,
        "get\tword",
      ]),
    ).toEqual([
      'error\t2\tUnknown request ""',
      'error\t2\tUnknown request "frobnicate"',
      "error\t2\tMissing KEY",
      'error\t2\tUnexpected field "l"',
      "error\t2\tMissing VALUE",
      'error\t2\tUnexpected field "--if-absent=1"',
      'error\t2\t--ttl is "soon", expected a duration such as 500ms, 10s, 5m, 2h or 7d',
      "error\t2\tFlag --ttl= is given twice",
      "error\t2\tCannot set: ifAbsent and ifEquals exclude each other",
      "error\t2\t--if-equals= and --print exclude each other",
      "error\t1\tCannot increment: the value is not a decimal integer",
      'error\t2\tBY is "one", expected a decimal integer',
      "error\t1\tCannot add 9007199254740992: it is past 2^53-1",
      'error\t2\tDURATION is "0s", expected a longer duration',
      'error\t2\t--limit is "few", expected a whole number',
      'error\t2\tCannot read field: "\\\\q" is no escape, a backslash is written as "\\\\\\\\"',
      'error\t2\tCannot read field: "\\\\x" is no escape, a backslash is written as "\\\\\\\\"',
      'error\t2\tCannot read field: "\\\\" is no escape, a backslash is written as "\\\\\\\\"',
      "error\t2\tCannot use key: it is 65536 bytes, at most 65535 are possible",
      "value\tx",
    ]);
  });

  test("that nothing ends are not carried out: whoever wrote them may have died over it", () => {
    expect(askRaw("set\tk\tv\nset\tk\thalf of a va")).toEqual([
      "ok",
      "error\t2\tRequest does not end in a newline",
    ]);
    expect(sandbox.bytes(["get", "k"]).toString()).toBe("v");
    expect(askRaw("")).toEqual([]);
  });

  test("may be long, and come in pieces", async () => {
    const value = "0123456789".repeat(100_000);
    const session = new Session();
    expect(await session.ask(`set\tk\t${value}`)).toBe("ok");
    expect(await session.ask("get\tk")).toBe(`value\t${value}`);
    expect(await session.end()).toEqual(DONE);
  });

  test("that come together are all answered", () => {
    const requests = Array.from({ length: 20_000 }, (_, at) => `incr\tn${at % 7}`);
    const replies = ask(requests, ["--durability", "os"]);
    expect(replies).toEqual(requests.map((_, at) => `value\t${Math.floor(at / 7) + 1}`));
  });
});

describe("list", () => {
  test("answers keys and values in one line", () => {
    ask(["set\ta\t1", "set\tb\t2", "set\tc\tthree\\nlines"]);
    expect(
      ask([
        "list",
        "list\t--keys",
        "list\t--keys\t--reverse\t--limit=2",
        "list\t--from=b\t--to=c",
        "list\t--prefix=c",
        "list\t--prefix=z",
      ]),
    ).toEqual([
      "list\ta\t1\tb\t2\tc\tthree\\nlines",
      "list\ta\tb\tc",
      "list\tc\tb",
      "list\tb\t2",
      "list\tc\tthree\\nlines",
      "list",
    ]);
  });

  test("goes through any number of records, page by page", async () => {
    const keys = Array.from({ length: 2500 }, (_, at) => `key${String(at).padStart(5, "0")}`);
    ask(
      keys.map((key) => `set\t${key}\tv`),
      ["--durability", "os"],
    );
    const session = new Session();
    const found: string[] = [];
    let from = "";
    let pages = 0;
    for (let page = await session.ask("list\t--keys"); page !== "list"; pages++) {
      const [, ...keysOfPage] = page?.split("\t") ?? [];
      found.push(...keysOfPage);
      from = `${keysOfPage.at(-1)}\\x00`;
      page = await session.ask(`list\t--keys\t--from=${from}`);
    }
    expect(found).toEqual(keys);
    expect(pages).toBe(3);
    await session.end();
  });

  test("ends a page early rather than hold large values, and never an empty one", () => {
    ask(["a", "b", "c"].map((key) => `set\t${key}\t${"v".repeat(700_000)}`));
    const keysOf = (reply: string): string[] => reply.split("\t").filter((field) => field.length === 1);
    const [first = "", second = ""] = ask(["list", "list\t--from=b\\x00"]);
    expect([keysOf(first), keysOf(second)]).toEqual([["a", "b"], ["c"]]);
  });
});

describe("the store of a session", () => {
  test("is created by the first request that stores something, and read where another made it", async () => {
    const session = new Session();
    for (const request of ["get\tk", "exists\tk", "rm\tk", "expire\tk\t1s", "ttl\tk", "persist\tk"]) {
      expect(await session.ask(request)).toBe("none");
    }
    expect(await session.ask("count")).toBe("value\t0");
    expect(await session.ask("list")).toBe("list");
    expect(existsSync(sandbox.path("kvs_logs"))).toBe(false);
    sandbox.bytes(["set", "k", "v"]);
    expect(await session.ask("get\tk")).toBe("value\tv");
    expect(await session.ask("set\tk\tw")).toBe("ok");
    expect(sandbox.bytes(["get", "k"]).toString()).toBe("w");
    sandbox.bytes(["set", "k", "x"]);
    expect(await session.ask("get\tk")).toBe("value\tx");
    expect(await session.end()).toEqual(DONE);
  });

  test("is left as it is by requests that read", () => {
    sandbox.bytes(["set", "k", "v"]);
    const before = statSync(sandbox.path("kvs_logs/LOCK"), { bigint: true }).mtimeNs;
    expect(ask(["get\tk", "list", "count", "ttl\tk", "exists\tk"])).toHaveLength(5);
    expect(statSync(sandbox.path("kvs_logs/LOCK"), { bigint: true }).mtimeNs).toBe(before);
  });

  test("is not locked while the session waits for a request", async () => {
    const session = new Session();
    expect(await session.ask("set\tk\tv")).toBe("ok");
    sandbox.bytes(["set", "k", "w", "--wait", "0ms"]);
    expect(await session.ask("incr\tn")).toBe("value\t1");
    sandbox.bytes(["incr", "n", "--wait", "0ms"]);
    expect(await session.ask("get\tn")).toBe("value\t2");
    expect(await session.end()).toEqual(DONE);
  });

  test("that another process holds is an error with code 5, after which the session goes on", () => {
    sandbox.bytes(["set", "k", "v"]);
    const { exitCode, stdout } = sandbox.bash(`
      coproc kvs shell --wait 50ms
      exec 9<kvs_logs/LOCK; flock -x 9
      printf 'set\\tk\\tw\\n' >&"\${COPROC[1]}"; IFS= read -r reply <&"\${COPROC[0]}"; printf '%s\\n' "$reply"
      printf 'get\\tk\\n' >&"\${COPROC[1]}"; IFS= read -r reply <&"\${COPROC[0]}"; printf '%s\\n' "$reply"
      flock -u 9
      printf 'set\\tk\\tw\\n' >&"\${COPROC[1]}"; IFS= read -r reply <&"\${COPROC[0]}"; printf '%s\\n' "$reply"`);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^error\t5\tCannot lock .* longer than 50 ms\nvalue\tv\nok\n$/);
  });

  test("that is damaged is an error with code 4", () => {
    for (let at = 0; at < 5; at++) sandbox.bytes(["set", `k${at}`, "value ".repeat(20)]);
    sandbox.bash("printf '\\xa5\\x5a\\xa5' | dd of=kvs_logs/1.log bs=1 seek=200 conv=notrunc status=none");
    for (const reply of ask(["list", "set\tk\tv"])) expect(reply).toMatch(/^error\t4\t.*1\.log/);
  });

  test("that cannot be written to is an error with code 3, also for requests that had seemed to be done", () => {
    sandbox.bytes(["set", "k", "v"]);
    const size = statSync(sandbox.path("kvs_logs/1.log")).size;
    const requests = ["get\tk", "set\tk\tw", "get\tk", `set\tbig\t${"b".repeat(10_000)}`, "incr\tn"];
    const { stdout } = sandbox.bash(
      `printf '${requests.join("\\n")}\\n' | prlimit --fsize=${size + 1000} "${KVS}" shell --durability os`,
    );
    const [first, ...others] = stdout.trimEnd().split("\n");
    expect(first).toBe("value\tv");
    expect(others).toHaveLength(4);
    for (const reply of others) expect(reply).toMatch(/^error\t3\t/);
    expect(ask(["set\tk\tx", "get\tk"])).toEqual(["ok", "value\tx"]);
  });

  test("is opened again after a failed write", async () => {
    sandbox.bytes(["set", "k", "v"]);
    const size = statSync(sandbox.path("kvs_logs/1.log")).size;
    const session = new Session([], ["prlimit", `--fsize=${size + 1000}`, KVS]);
    expect(await session.ask(`set\tk\t${"b".repeat(10_000)}`)).toMatch(/^error\t3\t/);
    expect(await session.ask("get\tk")).toBe("value\tv");
    expect(await session.ask("set\tk\tw")).toBe("ok");
    expect(await session.ask("get\tk")).toBe("value\tw");
    expect(await session.end()).toEqual(DONE);
  });
});

describe("durability", () => {
  /** The calls of a session that sync, and its replies, in their order. */
  function traced(requests: readonly string[], durability: string): string[] {
    sandbox.bytes(["set", "k", "v"]);
    const { exitCode } = sandbox.bash(
      `printf '${requests.join("\\n")}\\n' >requests; strace -f -qq -o trace -e trace=fsync,fdatasync,write "${KVS}" shell --durability ${durability} <requests`,
    );
    expect(exitCode).toBe(0);
    const calls = readFileSync(sandbox.path("trace"), "utf8").matchAll(
      / (f(?:data)?sync)\(| write\(1, "((?:\w|\\t)+)\\n/g,
    );
    return Array.from(calls, ([, sync, reply = ""]) => (sync === undefined ? reply : "sync"));
  }

  test("sync: requests that came together share one sync, which comes before their replies", () => {
    expect(traced(["set\\ta\\t1", "set\\tb\\t2", "incr\\tn", "get\\ta"], "sync")).toEqual(["sync", "ok"]);
  });

  test("os, or nothing but reads: there is no sync at all", () => {
    expect(traced(["set\\ta\\t1", "set\\tb\\t2"], "os")).toEqual(["ok"]);
    expect(traced(["get\\tk", "exists\\tk"], "sync")).toEqual(["value\\tv"]);
  });
});

describe("the end of a session", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "by %s is a death by that signal, and what was answered is kept",
    async (signal) => {
      const session = new Session();
      expect(await session.ask("set\tk\tv")).toBe("ok");
      session.kill(signal);
      expect(await session.ended()).toMatchObject({ signal, stderr: "" });
      expect(sandbox.kvs(["get", "k"]).stdout).toBe("v");
      sandbox.bytes(["set", "k", "w", "--wait", "0ms"]);
    },
  );

  test("comes in silence, with exit code 0, when nobody reads the replies any more", () => {
    const ended = sandbox.bash(`yes $'get\\tk' | "${KVS}" shell | head -1; echo "\${PIPESTATUS[1]}"`);
    expect(ended).toEqual({ exitCode: 0, stdout: "none\n0\n", stderr: "" });
  });

  test("is exit code 3 where the replies cannot be written, or the requests read", () => {
    expect(sandbox.bash("echo count | kvs shell >/dev/full").exitCode).toBe(3);
    expect(sandbox.bash("kvs shell <.").exitCode).toBe(3);
  });
});
