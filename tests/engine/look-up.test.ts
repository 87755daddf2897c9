import { describe, expect, test } from "bun:test";
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { lookUp } from "../../src/engine/look-up.ts";
import { KvStore } from "../../src/index.ts";
import { codeOfAsync, errorOf, errorOfAsync, logsOf, snapshotOf } from "../support/damage.ts";
import { type RandomStore, writeRandomStore } from "../support/random-store.ts";
import { newStorePath, temporaryDirectory } from "../support/temporary.ts";

const SEED: number = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${SEED}`);

/** Each reads the store anew: so many are enough. */
const MOST_KEYS = 60;

/** What single lookups answer otherwise than the model. */
async function wrongAnswers({ path, model, absent }: RandomStore): Promise<string[]> {
  const isWrong = async (key: string): Promise<boolean> => {
    const found = await lookUp(path, Buffer.from(key, "latin1"));
    const wanted = model.get(key);
    return wanted === undefined ? found !== undefined : found === undefined || !wanted.equals(found);
  };
  const keys = [...model.keys(), ...absent];
  const step = Math.ceil(keys.length / MOST_KEYS);
  const wrong: string[] = [];
  for (const key of keys.filter((_, at) => at % step === SEED % step))
    if (await isWrong(key)) wrong.push(key);
  return wrong;
}

for (const format of ["binary", "json"] as const) {
  test(`single lookups in a random ${format} store find what was written, with its indexes and without`, async () => {
    const store = await writeRandomStore(newStorePath(), SEED, { format });
    const before = snapshotOf(store.path);
    expect(await wrongAnswers(store)).toEqual([]);
    expect(snapshotOf(store.path)).toEqual(before);
    for (const name of readdirSync(store.path)) {
      if (name.endsWith(".idx") || name === "LOCK") rmSync(join(store.path, name));
    }
    expect(await wrongAnswers(store)).toEqual([]);
  });
}

test("a single lookup sees what a handle that is open has written, and no key twice", async () => {
  const path = newStorePath();
  using store = KvStore.open(path, { durability: "sync" });
  for (let count = 0; count < 50; count += 1) {
    store.set("k", `v${count}`);
    expect(await lookUp(path, "k")).toEqual(Buffer.from(`v${count}`));
  }
  store.remove("k");
  expect(await lookUp(path, "k")).toBeUndefined();
});

describe("a single lookup says what a handle would", () => {
  test("where there is no store", async () => {
    const directory = temporaryDirectory();
    expect(await lookUp(join(directory, "none"), "k")).toBeUndefined();
    expect(await lookUp(directory, "k")).toBeUndefined();
    writeFileSync(join(directory, "file"), "");
    expect(await codeOfAsync(async () => lookUp(join(directory, "file"), "k"))).toBe("IO");
    expect(await codeOfAsync(async () => lookUp(directory, "\ud800"))).toBe("INVALID_ARGUMENT");
  });

  test("of damage, with the file and the offset (invariant 8)", async () => {
    const path = newStorePath();
    {
      using store = KvStore.open(path);
      for (let count = 0; count < 10; count += 1) store.set(`k${count}`, "value");
    }
    const log = join(path, logsOf(path)[0] ?? "");
    const fd = openSync(log, "r+");
    writeSync(fd, "x", 200);
    closeSync(fd);
    const handleSays = errorOf(() => {
      using store = KvStore.open(path, { readOnly: true });
      store.get("k0");
    });
    const error = await errorOfAsync(async () => lookUp(path, "k0"));
    expect([error.code, error.file, error.offset]).toEqual([handleSays.code, log, handleSays.offset]);
    expect(error.code).toBe("CORRUPT");
  });

  test("of what is no file", async () => {
    const path = newStorePath();
    KvStore.open(path).close();
    mkdirSync(join(path, "2.log"));
    const error = await errorOfAsync(async () => lookUp(path, "k"));
    expect(error.message).toContain("it is not a regular file");
  });
});
