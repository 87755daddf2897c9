import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Disk } from "../../src/disk/disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { encodeHint, MAX_FIRST_COUNTER } from "../../src/format/hint.ts";
import { encodeIndexHeader, layOut, pageSeedOf, sealPage } from "../../src/format/index-file.ts";
import { encodeLogHeader, parseLogHeader } from "../../src/format/log-header.ts";
import { KvStore, type LogFormat, verifyStore } from "../../src/index.ts";
import { KVS, Sandbox } from "../cli/run-kvs.ts";
import { collidingKeys } from "../support/colliding-keys.ts";
import { codeOf, errorOf, readHint, snapshotOf } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

const LONGEST = 65_535;
const MIB = 1024 * 1024;

/** What programs stumble over, one character a byte. */
const HOSTILE: readonly string[] = [
  "",
  "\0",
  "\0\0\0",
  "\n",
  "\r\n",
  "a\nb",
  "a\tb",
  "\xef\xbb\xbf",
  "\xef\xbb\xbfbom",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "../../x",
  "/etc/passwd",
  "1.log",
  "LOCK",
  "--help",
  "-",
  "--",
  "-1",
  "$(touch pwned)",
  "`touch pwned`",
  "%s%n%x",
  "{}",
  '{"Set":{"key":"k","value":"v"}}',
  '"',
  "\\",
  "\\n",
  "\x1b[2J",
  "\x7f",
  "\xff",
  "\xff\xfe",
  "\xc3\x28",
  "\xed\xa0\x80",
  "\xe2\x80\xa8",
  "\xf0\x9f\x92\xa9",
  "null",
  "undefined",
  "NaN",
  "1e999",
  "x".repeat(LONGEST),
  "\xff".repeat(LONGEST),
  "\0".repeat(LONGEST),
];

function bytesOf(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

describe("keys and values that others stumble over", () => {
  for (const format of ["binary", "json"] satisfies LogFormat[]) {
    test(`are kept byte for byte, in ${format}`, async () => {
      const path = newStorePath();
      const wanted = HOSTILE.map(
        (text) => [text, Buffer.from(bytesOf(text).toReversed()).latin1Slice()] as const,
      );
      const check = (store: KvStore): void => {
        const found = [...store.entries({ encoding: "bytes" })].map(([key, value]) => [
          Buffer.from(key).latin1Slice(),
          Buffer.from(value).latin1Slice(),
        ]);
        expect(found).toEqual(wanted.toSorted(([a], [b]) => (a < b ? -1 : 1)).map((entry) => [...entry]));
        for (const [key, value] of wanted) {
          expect(store.has(bytesOf(key))).toBe(true);
          expect(Buffer.from(store.getBytes(bytesOf(key)) ?? []).latin1Slice()).toBe(value);
        }
      };
      {
        using store = KvStore.openOn(fastDisk(), path, {
          format,
          generationBytes: 50_000,
          autoCompact: false,
        });
        for (const [key, value] of wanted) store.set(bytesOf(key), bytesOf(value));
        check(store);
        await store.compact();
        check(store);
      }
      using store = KvStore.openOn(fastDisk(), path, { readOnly: true });
      check(store);
      expect((await verifyStore(path)).damage).toEqual([]);
      expect(readdirSync(join(path, "..")).length).toBe(1);
    });
  }

  test("are refused before anything is written, where they cannot be kept", () => {
    const path = newStorePath();
    using store = KvStore.openOn(fastDisk(), path);
    store.set("a", "1");
    store.flushSync();
    const before = snapshotOf(path, { except: "LOCK" });
    const refused: readonly (() => unknown)[] = [
      () => store.set("x".repeat(LONGEST + 1), "v"),
      () => store.set("ü".repeat(LONGEST / 2 + 1), "v"),
      () => store.set(Buffer.alloc(LONGEST + 1), "v"),
      () => store.set("lone \ud800", "v"),
      () => store.set("k", "lone \udfff surrogate"),
      () => store.append("k", "\ud83d"),
      () => store.delete("\ud800"),
      () => store.get("\udc00"),
      () => store.has("x".repeat(LONGEST + 1)),
      () => store.increment("\ud800"),
      () => store.batch([{ set: ["good", "1"] }, { set: ["bad", "\ud800"] }]),
      () => store.batch([{ set: ["good", "1"] }, { remove: "x".repeat(LONGEST + 1) }]),
      () => store.set("k", "v", { ttlMs: 0 }),
      () => store.set("k", "v", { ttlMs: -1 }),
      () => store.set("k", "v", { ttlMs: Number.NaN }),
      () => store.set("k", "v", { ttlMs: Number.POSITIVE_INFINITY }),
      () => store.set("k", "v", { ttlMs: 2 ** 53 }),
      () => [...store.keys({ prefix: "\ud800" })],
    ];
    for (const [at, work] of refused.entries()) expect([at, codeOf(work)]).toEqual([at, "INVALID_ARGUMENT"]);
    store.flushSync();
    expect(snapshotOf(path, { except: "LOCK" })).toEqual(before);
    expect([...store.entries()]).toEqual([["a", "1"]]);
  });
});

describe("through the program, they", () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox[Symbol.dispose]());

  test("are operands and nothing else", () => {
    const spoken = HOSTILE.filter((text) => /^[ -~]*$/.test(text));
    expect(spoken.length).toBeGreaterThan(20);
    for (const text of spoken) sandbox.bytes(["set", "--", text, text]);
    for (const text of spoken) expect(sandbox.bytes(["get", "--", text]).toString()).toBe(text);
    expect(readdirSync(sandbox.directory)).toEqual(["kvs_logs"]);
  });

  test("come in and go out by hex and by pipes", () => {
    for (const text of HOSTILE.filter((one) => one.length < 100)) {
      const hex = bytesOf(text).toString("hex");
      sandbox.bytes(["set", "--key-hex", hex, "-"], { stdin: bytesOf(text) });
      expect(sandbox.bytes(["get", "--key-hex", hex]).latin1Slice()).toBe(text);
    }
  });

  test("come in and go out by each format that can hold them", () => {
    const lines = HOSTILE.map((text) => {
      const base64 = bytesOf(text).toString("base64");
      return JSON.stringify({ key_base64: base64, value_base64: base64 });
    });
    sandbox.bytes(["import"], { stdin: lines.join("\n") });
    const wanted = sandbox.bytes(["list", "--json"]);
    for (const as of ["jsonl", "tsv", "mdb"]) {
      const exported = sandbox.bytes(["export", "--as", as]);
      sandbox.bytes(["import", "--as", as, "--dir", as], { stdin: exported });
      expect([as, sandbox.bytes(["list", "--json", "--dir", as]).equals(wanted)]).toEqual([as, true]);
    }
  });
});

test("hundreds of keys that share one hash are told apart, in memory and in an index", async () => {
  const path = newStorePath();
  {
    using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
    store.set("first", "1");
  }
  const keys = collidingKeys(path, "1.log", 9);
  const [missing = "", ...kept] = keys;
  using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
  const check = (): void => {
    for (const key of kept) expect(store.get(key)).toBe(key);
    expect(store.get(missing)).toBeUndefined();
    expect(store.count()).toBe(keys.length);
  };
  for (const key of kept) store.set(key, key);
  check();
  await store.compact();
  check();
  for (const key of kept.slice(250)) store.delete(key);
  await store.compact();
  expect([...store.keys()].toSorted()).toEqual(["first", ...kept.slice(0, 250)].toSorted());
});

/** The disk of this machine, that tells how much is asked of it at once. */
function readingDisk(note: (length: number) => void): Disk {
  return {
    ...realDisk,
    openToRead: (path) => {
      const file = realDisk.openToRead(path);
      const read = (position: number, length: number): Buffer => {
        note(length);
        return file?.read(position, length) ?? Buffer.alloc(0);
      };
      return file === undefined ? undefined : { ...file, read };
    },
  };
}

describe("a length that nothing confirms", () => {
  const STORE_ID = "00".repeat(16);
  const LOG_ID = "11".repeat(8);
  const HEADER = { storeId: STORE_ID, logId: LOG_ID, first: 1, last: 1, inputs: [] };

  /** A frame whose length is under a sound checksum, and that ends at once. */
  function shortFrame(length: number): Buffer {
    const frame = Buffer.alloc(20);
    frame.writeUInt32LE(length, 0);
    const seed = Bun.hash.crc32(Buffer.from(LOG_ID, "hex")) ^ 64;
    frame.writeUInt32LE(Bun.hash.crc32(frame.subarray(0, 4), seed >>> 0), 4);
    return frame;
  }

  function put(files: Readonly<Record<string, Uint8Array>>): string {
    const path = newStorePath();
    mkdirSync(path);
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes);
    return path;
  }

  const header = encodeLogHeader("binary", HEADER);
  const huge = Buffer.from(header);
  huge.writeUInt32LE(524_344, 12);
  const newer = encodeLogHeader("binary", { ...HEADER, logId: "22".repeat(8), first: 2, last: 2 });
  const CASES: Readonly<Record<string, readonly [Readonly<Record<string, Uint8Array>>, number]>> = {
    "of a frame, in the newest log": [{ "1.log": Buffer.concat([header, shortFrame(2 ** 30)]) }, 1],
    "of a frame beyond the limit": [{ "1.log": Buffer.concat([header, shortFrame(2 ** 32 - 1)]) }, 1],
    "of a frame, in a sealed log": [
      { "1.log": Buffer.concat([header, shortFrame(2 ** 30)]), "2.log": newer },
      4,
    ],
    "of a header": [{ "1.log": huge }, 4],
    "of a JSON line": [{ "1.log": Buffer.from(`{"Remove":{"key":"","kvs":${" ".repeat(5000)}`) }, 4],
    "of what LOCK promises": [{ "1.log": header, LOCK: lockOf(MAX_FIRST_COUNTER) }, 4],
    "of an index": [{ ...indexed(), "2.log": newer }, 4],
  };

  function lockOf(writtenBytes: number): Buffer {
    const path = newStorePath();
    KvStore.open(path).close();
    return encodeHint({ ...readHint(path), logId: LOG_ID, writtenBytes, syncedBytes: writtenBytes });
  }

  /** An index, sound but for what it says of its own size, beside a log that is not sealed. */
  function indexed(): Readonly<Record<string, Uint8Array>> {
    const entries = 2 ** 50;
    const layout = layOut(entries, { bloomBlocks: 2 ** 40, homes: 2 ** 50, slots: 2 ** 50 });
    const none = { digest: 0, inode: 0, modified: 0 };
    const summary = { logId: LOG_ID, logBytes: header.length, content: none, records: entries, entries };
    const sizes = {
      recordBytes: 0,
      liveBytes: 0,
      expiringBytes: 0,
      shadowedBytes: 0,
      firstExpiry: 0,
      lastExpiry: 0,
    };
    const page = encodeIndexHeader({ ...summary, ...sizes }, layout);
    sealPage(page, 0, 0, pageSeedOf(LOG_ID));
    return { "1.log": header, "1.idx": page };
  }

  for (const [what, [files, exitCode]] of Object.entries(CASES)) {
    test(`makes nobody take memory for it: ${what}`, () => {
      const code = exitCode === 4 ? "CORRUPT" : "none";
      const path = put(files);
      let longest = 0;
      const disk = readingDisk((length) => {
        longest = Math.max(longest, length);
      });
      for (const work of [(store: KvStore) => store.get("a"), (store: KvStore) => store.count()]) {
        const found = codeOf(() => {
          using store = KvStore.openOn(disk, path, { readOnly: true, mmap: false });
          work(store);
        });
        expect(found).toBe(code);
      }
      expect(longest).toBeWithin(1, MIB + 1);
      for (const args of [["get", "a"], ["list"], ["verify"], ["stats"], ["set", "a", "1"], ["compact"]]) {
        const ended = Bun.spawnSync([KVS, "--dir", path, ...args], { env: {}, timeout: 20_000 });
        expect([args, [0, 1, 4].includes(ended.exitCode ?? -1)]).toEqual([args, true]);
      }
    });
  }

  test("is believed where the file is as long, and still its bytes decide", () => {
    const path = newStorePath();
    mkdirSync(path);
    const log = join(path, "1.log");
    writeFileSync(log, Buffer.concat([header, shortFrame(64 * MIB)]));
    truncateSync(log, 65 * MIB);
    expect(parseLogHeader(readFileSync(log).subarray(0, 64)).status).toBe("header");
    using store = KvStore.openOn(fastDisk(), path);
    expect(store.get("a")).toBeUndefined();
    writeFileSync(join(path, "2.log"), newer);
    using other = KvStore.openOn(fastDisk(), path, { readOnly: true });
    expect(errorOf(() => other.get("a"))).toMatchObject({ code: "CORRUPT", offset: 72 });
    rmSync(path, { recursive: true });
  });
});
