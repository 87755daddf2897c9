import { describe, expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { briefReadingDisk } from "../../src/disk/reading-disk.ts";
import { encodeKey } from "../../src/format/key.ts";
import { lookUpSettled } from "../../src/engine/settled-look-up.ts";
import { Unsettled } from "../../src/engine/settled-store.ts";
import { PAGE_BYTES } from "../../src/format/index-file.ts";
import { KvStore } from "../../src/index.ts";
import { changeHint, logsOf, readHint, snapshotOf } from "../support/damage.ts";
import { seededRandom } from "../support/random.ts";
import { writeRandomStore } from "../support/random-store.ts";
import { newStorePath } from "../support/temporary.ts";

const SEED: number = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${SEED}`);

/** Each reads the store anew: so many are enough. */
const MOST_KEYS = 60;

/** Of a log that is no merge. */
const HEADER_BYTES = 64;

const DAMAGES = 400;
const KEYS_A_DAMAGE = 4;

/** What the short way answers: bytes, nothing, or that it cannot tell. */
function answerOf(path: string, key: string): Buffer | "none" | "unsettled" {
  try {
    const record = lookUpSettled(briefReadingDisk(), path, encodeKey(Buffer.from(key, "latin1")));
    if (record?.kind !== "put" || (record.expiresAt !== 0 && record.expiresAt <= Date.now())) return "none";
    return Buffer.from(record.value);
  } catch (error) {
    if (error instanceof Unsettled) return "unsettled";
    throw error;
  }
}

function isRight(answer: Buffer | "none", value: Buffer | undefined): boolean {
  if (answer === "none" || value === undefined) return answer === "none" && value === undefined;
  return answer.equals(value);
}

/** A small store with a merged, a sealed and an active log, and its values by their keys. */
function writeSmallStore(): { readonly path: string; readonly model: ReadonlyMap<string, Buffer> } {
  const path = newStorePath();
  const model = new Map<string, Buffer>();
  using store = KvStore.open(path, { autoCompact: false, generationBytes: 6_000 });
  for (let count = 0; count < 500; count += 1) {
    const key = `k${(count * 7) % 90}`;
    store.set(key, `value ${count}`);
    model.set(key, Buffer.from(`value ${count}`));
  }
  store.remove("k3");
  model.delete("k3");
  store.flushSync();
  return { path, model };
}

describe("the short way in a store that is settled", () => {
  test("finds all that was written, of any length, and nothing else", async () => {
    const { path, model, absent } = await writeRandomStore(newStorePath(), SEED);
    const before = snapshotOf(path);
    const keys = [...model.keys(), ...absent];
    const step = Math.ceil(keys.length / MOST_KEYS);
    const wrong = keys.filter((key, at) => {
      if (at % step !== SEED % step && !key.startsWith("lo")) return false;
      const answer = answerOf(path, key);
      return answer === "unsettled" || !isRight(answer, model.get(key));
    });
    expect(wrong).toEqual([]);
    expect(snapshotOf(path)).toEqual(before);
  });

  test("finds what a handle that is still open has written, at once", () => {
    const path = newStorePath();
    using handle = KvStore.open(path, { durability: "sync" });
    for (let count = 0; count < 50; count += 1) {
      handle.set("k", `v${count}`);
      expect(answerOf(path, "k")).toEqual(Buffer.from(`v${count}`));
    }
  });

  test("finds nothing where there is nothing, with a bloom filter and without, sealed logs or none", () => {
    for (const options of [{}, { bloomBitsPerKey: 0, generationBytes: 300 }]) {
      const path = newStorePath();
      {
        using store = KvStore.open(path, { autoCompact: false, ...options });
        for (let count = 0; count < 20; count += 1) store.set(`k${count}`, "value");
      }
      expect(answerOf(path, "none")).toBe("none");
      expect(answerOf(path, "k3")).toEqual(Buffer.from("value"));
    }
  });

  test.skipIf(process.platform !== "linux")("leaves no file open, whatever it finds", () => {
    const { path } = writeSmallStore();
    for (const key of ["k1", "k3", "none"]) answerOf(path, key);
    rmSync(join(path, logsOf(path)[1] ?? ""));
    expect(answerOf(path, "k1")).toBe("unsettled");
    expect(filesOpenIn(path)).toEqual([]);
  });
});

describe("the short way gives a right answer or none (invariant 8)", () => {
  test(`whatever byte of whatever file is another one, or missing, or one too many`, () => {
    const random = seededRandom(SEED);
    const { path, model } = writeSmallStore();
    const names = readdirSync(path).filter((name) => name !== "COMPACT");
    const keys = [...model.keys(), "k3", "none"];
    let told = 0;
    for (let count = 0; count < DAMAGES; count += 1) {
      const file = join(path, names[random.below(names.length)] ?? "");
      const sound = readFileSync(file);
      const damage = damageFile(file, random);
      for (let left = KEYS_A_DAMAGE; left > 0; left -= 1) {
        const key = keys[random.below(keys.length)] ?? "";
        const answer = answerOf(path, key);
        if (answer === "unsettled") continue;
        told += 1;
        if (!isRight(answer, model.get(key)))
          throw new Error(`${key} after ${damage} of ${file}: ${answer.toString()}`);
      }
      writeFileSync(file, sound);
    }
    // Most damage is not met on the way to a key.
    expect(told).toBeGreaterThan(DAMAGES / 4);
  });

  test("where a record fails its checksum that LOCK or an index leads to", () => {
    const path = newStorePath();
    {
      using store = KvStore.open(path);
      store.set("k", "value");
    }
    rewriteTail(path, (tail) => (tail[tail.length - 1] = (tail.at(-1) ?? 0) ^ 1));
    expect(answerOf(path, "k")).toBe("unsettled");

    const long = newStorePath();
    {
      using store = KvStore.open(long, { autoCompact: false, generationBytes: 1000 });
      store.set("long", "v".repeat(70_000));
      store.set("short", "v".repeat(700));
      store.set("other", "v".repeat(700));
    }
    const log = join(long, "1.log");
    const sound = readFileSync(log);
    const at = sound.indexOf("long");
    // The highest byte of the value's length, which the index does not know, and a byte of the value.
    for (const place of [at - 1, at + 100]) {
      const bytes = Buffer.from(sound);
      bytes[place] = (bytes[place] ?? 0) ^ 0x10;
      writeFileSync(log, bytes);
      expect(answerOf(long, "long")).toBe("unsettled");
    }
    writeFileSync(log, sound);
    expect(answerOf(long, "long")).toEqual(Buffer.alloc(70_000, "v"));
  });

  test("where a page of an index is damaged that a key needs: its header, its filter, its table", () => {
    const path = newStorePath();
    {
      using store = KvStore.open(path, { autoCompact: false, generationBytes: 2000 });
      for (let count = 0; count < 60; count += 1) store.set(`k${count}`, "v".repeat(100));
    }
    const index = join(path, "1.idx");
    const sound = readFileSync(index);
    const told: number[] = [];
    for (let page = 0; page < sound.length / PAGE_BYTES; page += 1) {
      const bytes = Buffer.from(sound);
      bytes[page * PAGE_BYTES + 10] = (bytes[page * PAGE_BYTES + 10] ?? 0) ^ 1;
      writeFileSync(index, bytes);
      if (answerOf(path, "k0") === "unsettled") told.push(page);
    }
    expect(told).toEqual([0, 1, 2]);
  });

  for (const [state, change] of Object.entries<(path: string) => void>({
    "somebody is writing, or died of it": (path) => {
      const { counter } = readHint(path);
      changeHint(path, { counter: counter + 1 });
    },
    "LOCK is missing": (path) => rmSync(join(path, "LOCK")),
    "LOCK is that of another log": (path) => changeHint(path, { logId: "0123456789abcdef" }),
    "LOCK has seen a newer log": (path) => changeHint(path, { generation: readHint(path).generation + 1 }),
    "LOCK promises more than there is": (path) =>
      changeHint(path, { syncedBytes: readHint(path).writtenBytes + 1 }),
    "something follows what LOCK knows": (path) => appendFileSync(join(path, newestLog(path)), "x"),
    "the newest log is cut off": (path) =>
      truncateSync(join(path, newestLog(path)), readHint(path).writtenBytes - 1),
    "an index is missing": (path) => {
      for (const name of readdirSync(path)) if (name.endsWith(".idx")) rmSync(join(path, name));
    },
    "an index is that of another log": (path) => {
      const [one = "", other = ""] = readdirSync(path).filter((name) => name.endsWith(".idx"));
      copyFileSync(join(path, one), join(path, other));
    },
    "a log of another store took the place of one": (path) => {
      const name = logsOf(path)[0] ?? "";
      copyFileSync(join(writeSmallStore().path, name), join(path, name));
    },
    "a merge left an input behind": (path) => writeFileSync(join(path, "1-2.log"), ""),
    "an import left its directory behind": (path) => mkdirSync(join(path, "import-0123456789abcdef.tmp")),
    "LOCK is no file": (path) => {
      rmSync(join(path, "LOCK"));
      mkdirSync(join(path, "LOCK"));
    },
    "all logs are gone": (path) => {
      for (const name of logsOf(path)) rmSync(join(path, name));
    },
    "LOCK vouches for what is no frame": (path) => rewriteTail(path, (tail) => tail.fill(0xff, 0, 4)),
    "it is written as JSON": (path) => {
      rmSync(path, { recursive: true });
      KvStore.open(path, { format: "json" }).close();
    },
  })) {
    test(`where ${state} it does not tell`, () => {
      const { path } = writeSmallStore();
      change(path);
      expect(answerOf(path, "none")).toBe("unsettled");
    });
  }
});

/** Changes the newest log behind its header, and has LOCK vouch for that. */
function rewriteTail(path: string, change: (tail: Buffer) => void): void {
  const log = join(path, newestLog(path));
  const bytes = readFileSync(log);
  const tail = bytes.subarray(HEADER_BYTES);
  change(tail);
  writeFileSync(log, bytes);
  changeHint(path, { tailDigest: Bun.hash.crc32(tail) });
}

/** The files of a store that this process has open, once those who let go of them in the background have. */
function filesOpenIn(path: string): string[] {
  let names: string[] = [];
  for (let attempt = 0; attempt < 100; attempt += 1) {
    names = readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        const name = readlinkSync(`/proc/self/fd/${fd}`);
        return name.startsWith(path) ? [name] : [];
      } catch {
        return [];
      }
    });
    if (names.length === 0) break;
    Bun.sleepSync(10);
  }
  return names;
}

function newestLog(path: string): string {
  return `${readHint(path).generation}.log`;
}

/** Flips a bit of a file, cuts it off, or adds to it; says what it did. */
function damageFile(path: string, random: ReturnType<typeof seededRandom>): string {
  const bytes = readFileSync(path);
  const at = random.below(bytes.length);
  const kind = random.below(8);
  if (kind === 0) truncateSync(path, at);
  else if (kind === 1) appendFileSync(path, Buffer.alloc(1 + random.below(100), random.below(256)));
  else {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    writeFileSync(path, bytes);
  }
  return kind === 0 ? `a cut at ${at}` : kind === 1 ? "an addition" : `a flip at ${at}`;
}
