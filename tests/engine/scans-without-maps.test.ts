import { expect, test } from "bun:test";
import { KvStore, type LogFormat } from "../../src/index.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { codeOf } from "../support/damage.ts";
import { fastDisk, systemError } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

const RECORDS = 2000;

/** Most are short; some are longer than what is read ahead, or than an index knows. */
function valueOf(number: number): string {
  const length = number % 500 === 7 ? 200_000 : number % 50 === 3 ? 20_000 : number % 90;
  return `${number} `.padEnd(length, "v");
}

/** Keys in their order, and in which order they were set. */
const KEYS = Array.from({ length: RECORDS }, (_, number) => `key ${10_000 + number}`);
const ORDERS: Readonly<Record<string, (at: number) => number>> = {
  sorted: (at) => at,
  backwards: (at) => RECORDS - 1 - at,
  scattered: (at) => (at * 791) % RECORDS,
};

for (const format of ["binary", "json"] as readonly LogFormat[]) {
  test.each(Object.keys(ORDERS))(
    `a ${format} store set in an order that is %s is scanned without maps`,
    async (order) => {
      const path = newStorePath();
      const options = { format, generationBytes: 500_000, autoCompact: false } as const;
      const wanted = KEYS.map((key, number): [string, string] => [key, valueOf(number)]);
      {
        using store = KvStore.openOn(fastDisk(), path, options);
        for (let at = 0; at < RECORDS; at += 1) {
          const [key = "", value = ""] = wanted[ORDERS[order]?.(at) ?? 0] ?? [];
          if (at % 10 === 0) store.set(key, "an older one");
          store.set(key, value);
          if (at % 100 === 0) await Bun.sleep(0);
        }
      }
      using store = KvStore.open(path, { readOnly: true, mmap: false });
      expect([...store.entries()]).toEqual(wanted);
      expect([...store.entries({ reverse: true })]).toEqual(wanted.toReversed());
      using far = KvStore.open(path, { readOnly: true });
      far.withHandle((handle) => handle.mapIfFew(0));
      expect([...far.entries()]).toEqual(wanted);
      expect([...far.entries({ reverse: true })]).toEqual(wanted.toReversed());
      const part = { from: KEYS[100] ?? "", to: KEYS[1700] ?? "" };
      expect([...store.entries(part)]).toEqual(wanted.slice(100, 1700));
      // What is asked for between two steps does not change what comes next.
      let at = 0;
      for (const entry of store.entries()) {
        expect(entry).toEqual(wanted[at] ?? ["", ""]);
        at += 1;
        const [key = "", value = ""] = wanted[(at * 37) % RECORDS] ?? [];
        expect(store.get(key)).toBe(value);
      }
    },
  );
}

test("a place that cannot be read, far ahead of a scan, is met when its turn comes, and not before", () => {
  const path = newStorePath();
  {
    using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
    for (let at = 0; at < RECORDS; at += 1) store.set(KEYS[(at * 791) % RECORDS] ?? "", "v".repeat(50));
  }
  const from = 60_000;
  const unreadable: Disk = {
    ...realDisk,
    openToRead: (name) => {
      const file = realDisk.openToRead(name);
      if (file === undefined || !name.endsWith(".log")) return file;
      const check = (position: number, length: number): void => {
        if (position < from + 10 && position + length > from) throw systemError("EIO", name);
      };
      return {
        ...file,
        read: (position, length) => (check(position, length), file.read(position, length)),
        readInto: (target, position, start = 0, end = target.length) => (
          check(position, end - start),
          file.readInto(target, position, start, end)
        ),
        map: () => undefined,
      };
    },
  };
  using store = KvStore.openOn(unreadable, path, { readOnly: true });
  store.withHandle((handle) => handle.mapIfFew(0));
  const seen: string[] = [];
  const code = codeOf(() => {
    for (const key of store.keys()) seen.push(key);
  });
  expect(code).toBe("IO");
  // Whoever stands there in the log stands anywhere among the keys.
  expect(seen).toEqual(KEYS.slice(0, seen.length));
  expect(codeOf(() => store.get(KEYS[seen.length] ?? ""))).toBe("IO");
});

test("records that stand far apart are read one by one, whatever is read ahead", () => {
  const path = newStorePath();
  const value = "v".repeat(6000);
  {
    using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
    for (let at = 0; at < 80; at += 1) {
      store.set(`key ${at % 10}`, "an older one".repeat(500));
      store.set(`key ${10 + at}`, value);
    }
  }
  for (const bytes of [8 * 1024, 1024 * 1024, 16 * 1024 * 1024]) {
    using store = KvStore.open(path, { readOnly: true });
    store.withHandle((handle) => {
      for (const log of handle.internals().generations.logs) log.readFarAhead(bytes);
    });
    const values = new Map(store.entries());
    expect(values.size).toBe(90);
    for (let at = 10; at < 90; at += 1) expect(values.get(`key ${at}`)).toBe(value);
  }
});
