import { expect, test } from "bun:test";
import { join } from "node:path";
import { KvStore } from "../../src/index.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

const MIB = 1024 * 1024;
const STORE_BYTES = 200 * MIB;

/** What a reader may have resident beyond the files that it has mapped. */
const MOST_OWN_BYTES = 200 * MIB;

/** Looks each key up several times, in one tick: four times as many bytes as the store has. Prints the most it had resident, in bytes. */
const READER = `
  const { KvStore } = await import(${JSON.stringify(join(import.meta.dir, "../../src/index.ts"))});
  const [path, keys] = process.argv.slice(1);
  using store = KvStore.open(path, { readOnly: true });
  for (let read = 0; read < keys * 4; read += 1) store.get("key " + (read * 7919) % keys);
  // Of this program alone: what a process is said to have used begins with what its parent had.
  const status = await Bun.file("/proc/self/status").text();
  console.log(/VmHWM:\\s*(\\d+)/.exec(status)[1] * 1024);
`;

// From 65,535 bytes on an index does not tell how long a record is.
test.each([1000, 70_000, 5 * MIB])(
  "a reader of values of %i bytes takes no more memory than it may",
  (bytes) => {
    const path = newStorePath();
    const keys = Math.floor(STORE_BYTES / bytes);
    {
      const options = { generationBytes: 16 * MIB, autoCompact: false } as const;
      using store = KvStore.openOn(fastDisk(), path, options);
      for (let key = 0; key < keys; key += 1) store.set(`key ${key}`, String(key).padEnd(bytes, "v"));
    }
    const reader = Bun.spawnSync([process.execPath, "-e", READER, path, String(keys)]);
    expect([reader.exitCode, reader.stderr.toString()]).toEqual([0, ""]);
    expect(Number(reader.stdout.toString())).toBeLessThan(STORE_BYTES + MOST_OWN_BYTES);
  },
  60_000,
);

test("values are what they were while those that were read before are collected", () => {
  using store = KvStore.openOn(fastDisk(), newStorePath(), { generationBytes: MIB, autoCompact: false });
  const values = ["a", "b", "c"].map((letter) => letter.repeat(MIB));
  for (const [key, value] of values.entries()) store.set(String(key), value);
  for (let read = 0; read < 600; read += 1)
    expect(store.get(String(read % 3)) === values[read % 3]).toBe(true);
});
