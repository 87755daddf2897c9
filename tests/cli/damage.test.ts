import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { LOCK_NAME } from "../../src/disk/file-names.ts";
import { encodeHint, parseHint } from "../../src/format/hint.ts";
import { type ReferenceStore, referenceStore } from "../reliability/reference-store.ts";
import { seededRandom } from "../support/random.ts";
import { type Ended, Sandbox } from "./run-kvs.ts";

const SEED: number = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${SEED}`);

const BITS = 25;
const KEYS = ["a", "b", "c", "d", "e", "n", "none"] as const;

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
  mkdirSync(sandbox.path("kvs_logs"));
});
afterEach(() => sandbox[Symbol.dispose]());

/** Puts the store on a real disk, all of it synced. */
function put({ files }: ReferenceStore): void {
  for (const [name, { bytes }] of files) writeFileSync(sandbox.path(`kvs_logs/${name}`), bytes);
  const hint = parseHint(files.get(LOCK_NAME)?.bytes ?? Buffer.alloc(0));
  if (hint === undefined) throw new Error("LOCK holds no hint");
  const synced = encodeHint({ ...hint, syncedBytes: hint.writtenBytes });
  writeFileSync(sandbox.path(`kvs_logs/${LOCK_NAME}`), synced);
}

function answers(): { readonly gets: readonly Ended[]; readonly list: Ended } {
  return { gets: KEYS.map((key) => sandbox.kvs(["get", key])), list: sandbox.kvs(["list", "--json"]) };
}

/** The message of a damaged file, which says where the damage is. */
function isLoud({ exitCode, stdout, stderr }: Ended, name: string): boolean {
  return exitCode === 4 && stdout === "" && new RegExp(`${name}": .* at offset \\d+\n$`).test(stderr);
}

test("a flipped bit is a right answer, or exit code 4 with file and offset (invariant 8)", async () => {
  const store = await referenceStore("binary");
  put(store);
  const right = answers();
  const random = seededRandom(SEED);
  for (let left = BITS; left > 0; left -= 1) {
    const name = store.logs[random.below(store.logs.length)] ?? "";
    const bytes = Buffer.from(store.files.get(name)?.bytes ?? []);
    const bit = random.below(bytes.length * 8);
    bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    put(store);
    writeFileSync(sandbox.path(`kvs_logs/${name}`), bytes);
    const { gets, list } = answers();
    const what = `bit ${bit} of ${name}`;
    for (const [at, one] of gets.entries()) {
      if (!isLoud(one, name)) expect([what, KEYS[at], one]).toEqual([what, KEYS[at], right.gets[at]]);
    }
    // Records that newer ones replace, and seals, are met by no scan that has an index.
    if (list.exitCode !== 0) expect([what, isLoud({ ...list, stdout: "" }, name)]).toEqual([what, true]);
    else expect([what, list]).toEqual([what, right.list]);
    const verified = sandbox.kvs(["verify"]);
    expect([what, verified.exitCode]).toEqual([what, 1]);
    expect(verified.stdout + verified.stderr).toContain(name);
  }
}, 120_000);

test("a flipped bit in an index or in LOCK changes no answer", async () => {
  const store = await referenceStore("binary");
  put(store);
  const right = answers();
  const random = seededRandom(SEED);
  for (const name of ["1-2.idx", "3.idx", "4.idx", LOCK_NAME]) {
    put(store);
    const bytes = Buffer.from(store.files.get(name)?.bytes ?? []);
    const bit = random.below(bytes.length * 8);
    bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(sandbox.path(`kvs_logs/${name}`), bytes);
    expect([name, bit, answers()]).toEqual([name, bit, right]);
  }
}, 120_000);
