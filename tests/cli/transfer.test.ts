import { afterEach, beforeEach, expect, test } from "bun:test";
import { spawnSync } from "bun";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { KvStore } from "../../src/index.ts";
import { Sandbox, failed } from "./run-kvs.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox[Symbol.dispose]());

const STORE = "kvs_logs";

/** Keys and values that are hard on a format; none holds a NUL byte. */
const HOSTILE: readonly Uint8Array[] = [
  "",
  " ",
  "a\tb",
  "a\nb",
  "\r\n",
  "back\\slash",
  "\\t",
  "\\x41",
  "--help",
  "é€😀",
  "\ufeffbom",
  '{"Set":{}}',
  "DATA=END",
  "x".repeat(65_000),
].map((text) => Buffer.from(text));
const BYTES = [Buffer.of(0xff), Buffer.of(0x80, 0x0a, 0x5c, 0x09), Buffer.of(0xc3)];
const WITH_NUL = [Buffer.of(0), Buffer.from("a\0b")];

/** What a store holds, byte for byte. */
function contentOf(name: string): string[] {
  using store = KvStore.open(sandbox.path(name), { readOnly: true });
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  return Array.from(store.records(), ({ key, value, expiresAt }) => `${hex(key)} ${hex(value)} ${expiresAt}`);
}

function fill(
  values: readonly Uint8Array[],
  keys: readonly Uint8Array[] = values,
  name: string = STORE,
): void {
  using store = KvStore.open(sandbox.path(name));
  for (const [index, key] of keys.entries()) store.set(key, values[(index * 7 + 3) % values.length] ?? "");
}

for (const format of ["jsonl", "tsv", "nul", "mdb"] as const) {
  const held = format === "nul" ? [...HOSTILE, ...BYTES] : [...HOSTILE, ...BYTES, ...WITH_NUL];

  test(`what export --as ${format} writes, import --as ${format} reads back byte for byte`, () => {
    fill(held);
    const exported = sandbox.bytes(["export", "--as", format]);
    writeFileSync(sandbox.path("dump"), exported);
    sandbox.bytes(["import", "--as", format, "--dir", sandbox.path("copy"), sandbox.path("dump")]);
    expect(contentOf("copy")).toEqual(contentOf(STORE));
    sandbox.bytes(["import", "--as", format, "--dir", sandbox.path("piped")], { stdin: exported });
    expect(contentOf("piped")).toEqual(contentOf(STORE));
    sandbox.bytes(["export", "--as", format, sandbox.path("file")]);
    expect(readFileSync(sandbox.path("file")).equals(exported)).toBe(true);
    expect(statSync(sandbox.path("file")).mode & 0o777).toBe(0o600);
  });

  test(`export --as ${format} of an empty store is what import takes for nothing`, () => {
    KvStore.open(sandbox.path(STORE)).close();
    const exported = sandbox.bytes(["export", "--as", format]);
    sandbox.bytes(["import", "--as", format, "--dir", sandbox.path("copy")], { stdin: exported });
    expect(contentOf("copy")).toEqual([]);
  });
}

test("jsonl keeps expiries, and what has expired since stays away", () => {
  {
    using store = KvStore.open(sandbox.path(STORE));
    store.set("soon", "1", { ttlMs: 1 });
    store.set("later", "2", { ttlMs: 1_000_000 });
    store.set("never", "3");
    Bun.sleepSync(5);
  }
  const exported = sandbox.bytes(["export"]);
  expect(exported.toString().split("\n").length).toBe(3);
  sandbox.bytes(["import", "--dir", sandbox.path("copy")], { stdin: exported });
  expect(contentOf("copy")).toHaveLength(2);
  const left = Number(sandbox.bytes(["ttl", "later", "--dir", sandbox.path("copy")]).toString());
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(1_000_000);
});

test("a record that the nul format cannot hold is refused by name", () => {
  fill([Buffer.from("a\0b")], [Buffer.from("k")]);
  const { exitCode, stderr } = sandbox.kvs(["export", "--as", "nul"]);
  expect([exitCode, stderr]).toEqual([
    1,
    "kvs: Cannot export a record that holds a NUL byte: use --as jsonl\n",
  ]);
});

const BAD: readonly [format: string, input: string, place: string][] = [
  ["jsonl", '{"key":"a","value":"1"}\nnonsense\n{"key":"b","value":"2"}\n', "line 2"],
  ["tsv", "a\t1\nno tab\nb\t2\n", "line 2"],
  ["tsv", "a\t1\nb\t2\t3\n", "line 2"],
  ["tsv", "a\t1\nb\t\\q\n", "line 2"],
  ["nul", "a\x001\0b\0", "record 2"],
  ["nul", "a\x001\0b\x002", "record 2"],
  ["mdb", "format=bytevalue\nHEADER=END\n 61\n 31\n zz\n", "line 5"],
  ["mdb", "format=print\nHEADER=END\n a\n 1\n b\\\n 2\nDATA=END\n", "line 5"],
  ["mdb", "format=bytevalue\nHEADER=END\n 61\n 31\n", "line 4"],
  ["mdb", "format=bytevalue\nHEADER=END\n 61\n 31\n 62\nDATA=END\n", "line 6"],
];

test.each(BAD)(
  "a bad record of an import --as %s is named, and those before it are kept",
  (format, input, place) => {
    const { exitCode, stdout, stderr } = sandbox.kvs(["import", "--as", format], { stdin: input });
    expect([exitCode, stdout.length]).toEqual([2, 0]);
    expect(stderr).toStartWith(`kvs: Cannot import ${place} of standard input, those before it are kept: `);
    expect(sandbox.bytes(["get", "a"]).toString()).toBe("1");
    expect(sandbox.kvs(["exists", "b"]).exitCode).toBe(1);
  },
);

test("an mdb dump that is empty is bad in its first line", () => {
  expect(sandbox.kvs(["import", "--as", "mdb"])).toEqual(
    failed(2, "Cannot import line 1 of standard input, those before it are kept: it ends before DATA=END"),
  );
});

test("an mdb dump whose backslashes were left as they are is refused", () => {
  const stdin = "format=print\nHEADER=END\n a\n 1\n back\\slash\n 2\nDATA=END\n";
  const { exitCode, stderr } = sandbox.kvs(["import", "--as", "mdb"], { stdin });
  expect(exitCode).toBe(2);
  expect(stderr).toContain("line 5 of standard input");
  expect(stderr).toContain("a backslash stands before neither a backslash nor two hex digits");
});

test("an mdb dump in the print format is read", () => {
  const dump = "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n k\\5c\\00\n v\\ff \\\\\nDATA=END\n";
  sandbox.bytes(["import", "--as", "mdb"], { stdin: dump });
  expect(contentOf(STORE)).toEqual([`${Buffer.from("k\\\0").toString("hex")} 76ff205c null`]);
});

/** What LMDB can hold: keys of 1 to 511 bytes. */
const FOR_LMDB = [...HOSTILE, ...BYTES, ...WITH_NUL].filter(({ length }) => length > 0 && length <= 511);

test.skipIf(Bun.which("mdb_load") === null)(
  "LMDB's own tools read what export writes, and write what import reads (needs lmdb-utils)",
  () => {
    // Some mdb_dump -p leave backslashes as they are, and then nobody can tell what they mean.
    const clear = (all: readonly Uint8Array[]): Uint8Array[] => all.filter((bytes) => !bytes.includes(0x5c));
    const values = [...HOSTILE, ...BYTES, ...WITH_NUL];
    for (const [store, flags, held, keys] of [
      ["hex", ["-n"], values, FOR_LMDB],
      ["print", ["-n", "-p"], clear(values), clear(FOR_LMDB)],
    ] as const) {
      fill(held, keys, store);
      const exported = sandbox.bytes(["export", "--as", "mdb", "--dir", store]);
      const db = sandbox.path(`${store}.mdb`);
      expect(spawnSync(["mdb_load", "-n", db], { stdin: exported }).exitCode).toBe(0);
      const dumped = spawnSync(["mdb_dump", ...flags, db]).stdout;
      sandbox.bytes(["import", "--as", "mdb", "--dir", `${store}-copy`], { stdin: dumped });
      expect(contentOf(`${store}-copy`)).toEqual(contentOf(store));
    }
  },
);

test("export of what is no store fails, creates nothing, and a full device is an error", () => {
  expect(sandbox.kvs(["export"]).exitCode).toBe(3);
  expect(existsSync(sandbox.path(STORE))).toBe(false);
  fill(HOSTILE);
  expect(sandbox.kvs(["export", "/dev/full"]).exitCode).toBe(3);
  expect(sandbox.kvs(["export", "--as", "csv"]).exitCode).toBe(2);
  expect(sandbox.kvs(["export", "a", "b"]).exitCode).toBe(2);
});

test("batch carries out all commands or none", () => {
  const good =
    '{"Set":{"key":"a","value":"1"}}\n{"Set":{"key":"b","value":"2"}}\n{"Remove":{"key":"a"}}\n{"Remove":{"key":"none"}}\n';
  sandbox.bytes(["batch"], { stdin: good });
  expect(contentOf(STORE)).toEqual(["62 32 null"]);
  const { exitCode, stderr } = sandbox.kvs(["batch"], {
    stdin: '{"Set":{"key":"c","value":"3"}}\n{"Set":{}}\n',
  });
  expect(exitCode).toBe(2);
  expect(stderr).toStartWith("kvs: Cannot use line 2 of standard input, nothing was changed: ");
  expect(contentOf(STORE)).toEqual(["62 32 null"]);
  expect(sandbox.kvs(["batch", "extra"]).exitCode).toBe(2);
});

test("batch with a bad line creates no store, and with none changes nothing", () => {
  expect(sandbox.kvs(["batch"], { stdin: "nonsense" }).exitCode).toBe(2);
  expect(existsSync(sandbox.path(STORE))).toBe(false);
  fill([Buffer.from("1")], [Buffer.from("k")]);
  const before = readdirSync(sandbox.path(STORE)).map(
    (name) => statSync(sandbox.path(`${STORE}/${name}`)).mtimeMs,
  );
  expect(sandbox.kvs(["batch"], { stdin: "" }).exitCode).toBe(0);
  const after = readdirSync(sandbox.path(STORE)).map(
    (name) => statSync(sandbox.path(`${STORE}/${name}`)).mtimeMs,
  );
  expect(after.length).toBe(before.length);
  expect(contentOf(STORE)).toEqual(["6b 31 null"]);
});

test("an expiry that is given as a time is kept to the millisecond, by batch and by import", () => {
  const expires = Date.now() + 1_234_567;
  const line = (key: string): string => `{"Set":{"key":"${key}","value":"v","expires":${expires}}}\n`;
  for (let run = 0; run < 5; run += 1) sandbox.bytes(["batch"], { stdin: line(`batch${run}`).repeat(2) });
  sandbox.bytes(["import"], { stdin: line("import") });
  const exported = sandbox.bytes(["export"]).toString().trim().split("\n");
  expect(exported.map((each) => /"expires":(\d+)/.exec(each)?.[1])).toEqual(Array(6).fill(String(expires)));
});

test("no control character of a key or value reaches a terminal, and what is shown reads back", async () => {
  const controls = "a\u001b[31m\u009b2J\u0085\u007f\u0000é";
  sandbox.bytes(["import"], { stdin: JSON.stringify({ key: controls, value: controls }) });
  const commands = [
    ["export"],
    ["export", "--as", "tsv"],
    ["export", "--as", "mdb"],
    ["list"],
    ["list", "--json"],
  ];
  for (const command of [
    ...commands,
    ["log"],
    ["log", "--json"],
    ["get", "missing", "--default", "a\u001b[31m\u009b2J\u0085"],
  ]) {
    // The line feed's return is the terminal's own.
    const shown = (await sandbox.atTerminal(command)).replaceAll("\r\n", "\n");
    expect([command, shown.replaceAll(/[\n\t]/g, "").match(/\p{Cc}/u)]).toEqual([command, null]);
    expect(shown.length).toBeGreaterThan(10);
    const format = command[2] ?? "jsonl";
    if (command[0] !== "export") continue;
    sandbox.bytes(["import", "--as", format, "--dir", `copy-${format}`], { stdin: shown });
    expect(sandbox.bytes(["export", "--dir", `copy-${format}`])).toEqual(sandbox.bytes(["export"]));
  }
});
