import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawn } from "bun";
import { readdirSync } from "node:fs";
import { KvStore } from "../../src/index.ts";
import { KVS, Sandbox, failed, printed } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

const STORE = "kvs_logs";

/** Names in the store's directory that an import under way has there. */
function imports(): string[] {
  return readdirSync(sandbox.path(STORE)).filter((name) => name.startsWith("import-"));
}

function content(directory: string = STORE): Record<string, string> {
  using store = KvStore.open(sandbox.path(directory), { readOnly: true });
  return Object.fromEntries(store.entries());
}

function line(key: string, value: string): string {
  return `${JSON.stringify({ key, value })}\n`;
}

/** An import that has taken its input so far, and waits for more. */
async function startImport(stdin: string) {
  const run = spawn([KVS, "import", "--atomic"], {
    cwd: sandbox.directory,
    env: {},
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  await run.stdin.write(stdin);
  await run.stdin.flush();
  const isUnderWay = (): boolean => {
    const [name] = imports();
    return name !== undefined && readdirSync(sandbox.path(`${STORE}/${name}`)).includes("1.log");
  };
  while (run.exitCode === null && !isUnderWay()) await Bun.sleep(2);
  return run;
}

describe("import --atomic", () => {
  for (const format of ["binary", "json"] as const) {
    test(`overwrites, removes and expires; of one key the last record counts: ${format}`, () => {
      for (const key of ["a", "b", "c", "d"]) sandbox.bytes(["set", key, "old", "--format", format]);
      const later = Date.now() + 3_600_000;
      const stdin = [
        line("a", "1"),
        '{"Remove":{"key":"b"}}\n{"Remove":{"key":"none"}}\n',
        line("a", "2"),
        `{"key":"c","value":"gone","expires":1}\n{"key":"e","value":"later","expires":${later}}\n`,
        '{"key_base64":"/w==","value_base64":"AP8="}',
      ].join("");
      expect(sandbox.kvs(["import", "--atomic"], { stdin })).toEqual(printed(""));
      expect(sandbox.kvs(["list", "--json"])).toEqual(
        printed(
          '{"key":"a","value":"2"}\n{"key":"d","value":"old"}\n{"key":"e","value":"later"}\n{"key_base64":"/w==","value_base64":"AP8="}\n',
        ),
      );
      expect(Number(sandbox.kvs(["ttl", "e"]).stdout)).toBeGreaterThan(3_000_000);
      expect(sandbox.kvs(["verify"]).exitCode).toBe(0);
      expect(imports()).toEqual([]);
      sandbox.bytes(["compact", "-q"]);
      expect(sandbox.kvs(["count"])).toEqual(printed("4\n"));
    });
  }

  test.each([
    ["tsv", "a\t1\nb\t2\n"],
    ["nul", "a\x001\0b\x002\0"],
    ["mdb", "HEADER=END\n 61\n 31\n 62\n 32\nDATA=END\n"],
  ])("reads %s, and makes a store where there is none", (format, stdin) => {
    expect(sandbox.kvs(["import", "--atomic", "--as", format], { stdin })).toEqual(printed(""));
    expect(content()).toEqual({ a: "1", b: "2" });
    expect(readdirSync(sandbox.path(STORE)).toSorted()).toEqual([
      "1-2.idx",
      "1-2.log",
      "3.log",
      "COMPACT",
      "LOCK",
    ]);
  });

  test("of nothing changes nothing", () => {
    sandbox.bytes(["set", "a", "1"]);
    expect(sandbox.kvs(["import", "--atomic"], { stdin: "" })).toEqual(printed(""));
    expect(content()).toEqual({ a: "1" });
    expect(imports()).toEqual([]);
  });

  test("imports nothing if one line is bad", () => {
    sandbox.bytes(["set", "a", "old"]);
    const stdin = `${line("a", "1")}${line("b", "2")}nonsense\n${line("c", "3")}`;
    expect(sandbox.kvs(["import", "--atomic"], { stdin })).toEqual(
      failed(
        2,
        "Cannot import line 3 of standard input, nothing was imported: Cannot decode line: it is not JSON",
      ),
    );
    expect(sandbox.kvs(["import", "--atomic"], { stdin: '{"key":"a","value":"\\ud800"}' })).toEqual(
      failed(
        2,
        'Cannot import line 1 of standard input, nothing was imported: Cannot use command: "value" holds a lone surrogate',
      ),
    );
    expect(content()).toEqual({ a: "old" });
    expect(imports()).toEqual([]);
  });

  test("keeps nobody from writing meanwhile, shows nothing before its end, and comes last then", async () => {
    sandbox.bytes(["set", "a", "old"]);
    const run = await startImport(line("a", "imported"));
    sandbox.bytes(["set", "a", "meanwhile"]);
    sandbox.bytes(["set", "b", "meanwhile"]);
    sandbox.bytes(["compact", "-q"]);
    expect(content()).toEqual({ a: "meanwhile", b: "meanwhile" });
    expect(imports()).toHaveLength(1);
    await run.stdin.end();
    expect([await run.exited, await run.stderr.text()]).toEqual([0, ""]);
    expect(content()).toEqual({ a: "imported", b: "meanwhile" });
    expect(imports()).toEqual([]);
  });

  test("several at once are all there", async () => {
    const runs = await Promise.all(
      Array.from(
        { length: 4 },
        (_, run) =>
          spawn([KVS, "import", "--atomic"], {
            cwd: sandbox.directory,
            env: {},
            stdin: Buffer.from(Array.from({ length: 500 }, (__, at) => line(`${run}/${at}`, "v")).join("")),
          }).exited,
      ),
    );
    expect(runs).toEqual([0, 0, 0, 0]);
    expect(Object.keys(content())).toHaveLength(2000);
    expect(sandbox.kvs(["verify"]).exitCode).toBe(0);
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "on %s imports nothing, leaves nothing, and dies of it",
    async (signal) => {
      sandbox.bytes(["set", "a", "old"]);
      const run = await startImport(line("a", "imported"));
      run.kill(signal);
      await run.exited;
      expect([run.signalCode, await run.stderr.text()]).toEqual([signal, ""]);
      expect(content()).toEqual({ a: "old" });
      expect(imports()).toEqual([]);
    },
  );

  test("killed, imports nothing, and the next writer removes what it left", async () => {
    sandbox.bytes(["set", "a", "old"]);
    const run = await startImport(line("a", "imported"));
    run.kill("SIGKILL");
    await run.exited;
    expect(content()).toEqual({ a: "old" });
    expect(imports()).toHaveLength(1);
    sandbox.bytes(["set", "b", "new"]);
    expect(imports()).toEqual([]);
    expect(content()).toEqual({ a: "old", b: "new" });
  });

  test.skipIf(Bun.which("prlimit") === null)(
    "on a full disk imports nothing, and leaves nothing (needs prlimit)",
    () => {
      sandbox.bytes(["set", "a", "old"]);
      const lines = Array.from({ length: 20_000 }, (_, at) => line(`k${at}`, "v".repeat(50)));
      const limited = sandbox.bash(
        `echo '${lines.slice(0, 500).join("").trim()}' | prlimit --fsize=20000 "${KVS}" import --atomic`,
      );
      expect(limited.exitCode).toBe(3);
      expect(limited.stderr).toMatch(/^kvs: Cannot write to ".*": the file-size limit is reached\n$/);
      expect(content()).toEqual({ a: "old" });
      expect(imports()).toEqual([]);
    },
  );

  test("takes many records in, and its index answers", () => {
    const lines = Array.from({ length: 100_000 }, (_, at) =>
      line(`k${at % 60_000}`, `${at} ${"v".repeat(at % 90)}`),
    );
    sandbox.bytes(["import", "--atomic"], { stdin: lines.join(""), env: { KVS_GENERATION_BYTES: "1MiB" } });
    expect(sandbox.bytes(["count"]).toString()).toBe("60000\n");
    expect(sandbox.bytes(["get", "k1"]).toString()).toStartWith("60001 ");
    expect(sandbox.bytes(["get", "k59999"]).toString()).toStartWith("59999 ");
    expect(sandbox.kvs(["verify"]).stdout).toStartWith("sound: ");
  });
});
