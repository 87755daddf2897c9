import { describe, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runBriefly } from "../../src/cli/brief.ts";
import { KvStore } from "../../src/index.ts";
import { changeHint, readHint } from "../support/damage.ts";
import { type Ended, Sandbox } from "./run-kvs.ts";

/*
 * What the part of the executable that is loaded first does by itself must be what
 * the whole of it would do, by way of a handle: with a setting of its own, a command line is one for that.
 */
const WHOLE = { KVS_MMAP: "on" } as const;

const LINES: ReadonlyArray<readonly string[]> = [
  ["get", "text"],
  ["get", ""],
  ["get", "ü"],
  ["get", "bytes"],
  ["get", "long"],
  ["get", "removed"],
  ["get", "expired"],
  ["get", "none"],
  ["get", "x".repeat(65_536)],
  ["get"],
  ["get", "text", "text"],
  ["get", "-n", "text"],
  ["get", "--default", "other", "none"],
  ["get", "--", "text"],
  ["exists", "text"],
  ["exists", "removed"],
  ["exists", "none"],
  ["exists"],
  ["set", "text", "new"],
  ["set", "new", ""],
  ["set", "", "empty"],
  ["set", "ü", "ÿ"],
  ["set", "long", "v".repeat(30_000)],
  ["set", "text"],
  ["set", "text", "a", "b"],
  ["set", "text", "-1"],
  ["set", "text", "new", "--durability", "os"],
  ["set", "text", "new", "--durability", "sometimes"],
  ["--durability", "os", "set", "text", "new"],
  ["get", "text", "--dir", "store"],
  ["get", "text", "--dir", "none"],
  ["get", "text", "--dir", ""],
  ["get", "text", "--dir", "redis://host"],
  ["get", "text", "--dir"],
  ["get", "text", "--dir", "store", "--dir", "store"],
  ["GET", "text"],
];

/** Wrong by itself: in a store that is wrong as well, either is told. */
const TOO_LONG: readonly string[] = ["set", "x".repeat(65_536), "v"];

type Change = (store: string) => void;

const STATES: Readonly<Record<string, Change>> = {
  "is settled": () => undefined,
  "was left in the middle of a write": (store) => changeHint(store, { counter: readHint(store).counter + 1 }),
  "has no LOCK": (store) => rmSync(join(store, "LOCK")),
  "has no indexes": (store) => {
    for (const name of readdirSync(store)) if (name.endsWith(".idx")) rmSync(join(store, name));
  },
  "is cut off": (store) => truncateSync(join(store, newest(store)), readHint(store).writtenBytes - 1),
  "lacks a log": (store) => rmSync(join(store, "1.log")),
  "is damaged": (store) => {
    const path = join(store, newest(store));
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path, bytes);
  },
};

function newest(store: string): string {
  return `${readHint(store).generation}.log`;
}

function writeStore(path: string): void {
  using store = KvStore.open(path, { generationBytes: 10_000, autoCompact: false });
  store.set("text", "a value\n");
  store.set("", "of no key");
  store.set("ü", "ÿ");
  store.set("bytes", Buffer.from([0, 255, 10, 13]));
  store.set("long", "l".repeat(100_000));
  store.set("expired", "gone", { ttlMs: 1 });
  store.set("removed", "gone");
  store.set("again", "1");
  store.remove("removed");
  store.set("again", "2");
}

/** What a run says, and what the store holds then. */
function outcomeOf(
  sandbox: Sandbox,
  original: string,
  line: readonly string[],
  env: Record<string, string>,
): unknown {
  const store = sandbox.path("store");
  rmSync(store, { recursive: true, force: true });
  cpSync(original, store, { recursive: true });
  const hasDirectory = line.includes("--dir");
  const ended: Ended = sandbox.kvs(line, { env: { ...env, ...(hasDirectory ? {} : { KVS_DIR: "store" }) } });
  return { ended, content: sandbox.kvs(["export", "--dir", "store"]) };
}

describe.each(Object.entries(STATES))("in a store that %s", (state, change) => {
  test("the brief part of the executable answers as the whole of it does", () => {
    using sandbox = new Sandbox();
    const original = sandbox.path("original");
    writeStore(original);
    Bun.sleepSync(5);
    change(original);
    for (const line of state === "is settled" ? [...LINES, TOO_LONG] : LINES) {
      const brief = outcomeOf(sandbox, original, line, {});
      const whole = outcomeOf(sandbox, original, line, WHOLE);
      expect({ line, outcome: brief }).toEqual({ line, outcome: whole });
    }
  }, 60_000);
});

test("plain command lines on a store that is settled are not left to the whole", () => {
  using sandbox = new Sandbox();
  const store = sandbox.path("store");
  writeStore(store);
  const at = ["--dir", store, "--durability", "os"];
  expect(runBriefly(["exists", "text", ...at], {})).toBe(0);
  expect(runBriefly(["exists", "none", ...at], {})).toBe(1);
  expect(runBriefly(["set", "none", "now there", ...at], {})).toBe(0);
  expect(runBriefly(["exists", "none"], { KVS_DIR: store, KVS_DURABILITY: "sync" })).toBe(0);
  expect(runBriefly(["exists", "long", ...at], {})).toBe(0);
  expect(runBriefly(["exists", "text", ...at], WHOLE)).toBeUndefined();
  using handle = KvStore.open(store, { readOnly: true });
  expect(handle.get("none")).toBe("now there");
});

test("a damaged log is named as it was typed, with a slash at the end or without", () => {
  using sandbox = new Sandbox();
  const store = sandbox.path("store");
  writeStore(store);
  STATES["is damaged"]?.(store);
  for (const directory of ["store", "store/", "./store"]) {
    const brief = sandbox.kvs(["get", "again", "--dir", directory]);
    expect(brief.exitCode).toBe(4);
    expect(brief).toEqual(sandbox.kvs(["get", "again", "--dir", directory], { env: WHOLE }));
  }
});

test("standard output that cannot be written to is told in the same way", () => {
  using sandbox = new Sandbox();
  writeStore(sandbox.path("kvs_logs"));
  sandbox.bytes(["set", "empty", ""]);
  for (const line of [
    "kvs get text >/dev/full",
    "kvs get text >&-",
    "kvs get empty >/dev/full",
    "kvs get empty >&-",
    "kvs exists text >&-",
    "kvs get none 2>&-",
  ]) {
    const whole = sandbox.bash(`KVS_MMAP=on; export KVS_MMAP; ${line}`);
    expect({ line, ended: sandbox.bash(line) }).toEqual({ line, ended: whole });
  }
});
