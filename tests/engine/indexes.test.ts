import { beforeAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { PAGE_BYTES, parseIndexHeader } from "../../src/format/index-file.ts";
import { KvStore } from "../../src/index.ts";
import { logsOf } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { seededRandom } from "../support/random.ts";
import {
  type RandomStore,
  wrongAnswers,
  wrongLookups,
  wrongScans,
  writeRandomStore,
} from "../support/random-store.ts";
import { newStorePath, temporaryDirectory } from "../support/temporary.ts";

const SEED: number = Number(process.env["KVS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${SEED}`);

/** Of stores that several tests use. */
const SHARED = temporaryDirectory();

function indexesOf(path: string): string[] {
  return readdirSync(path)
    .filter((name) => name.endsWith(".idx"))
    .toSorted()
    .map((name) => join(path, name));
}

/** What fresh handles that only read answer wrong, with files mapped and without. */
function wrong(store: RandomStore): string[] {
  return [true, false].flatMap((mmap) => {
    using reader = KvStore.openOn(fastDisk(), store.path, { readOnly: true, mmap });
    return wrongAnswers(reader, store).map((answer) => `mmap ${mmap}: ${answer}`);
  });
}

for (const format of ["binary", "json"] as const) {
  for (const bloomBitsPerKey of [0, 1, 10, 20]) {
    test(`a random ${format} store with ${bloomBitsPerKey} bits a key answers by its indexes, and without any`, async () => {
      const store = await writeRandomStore(newStorePath(), SEED, { format, bloomBitsPerKey });
      const indexes = indexesOf(store.path);
      // All but the active log have one.
      expect(indexes.length).toBe(logsOf(store.path).length - 1);
      expect(indexes.length).toBeGreaterThan(3);
      expect(wrong(store)).toEqual([]);
      for (const index of indexes.filter((_, at) => at % 2 === 0)) rmSync(index);
      expect(wrong(store)).toEqual([]);
      for (const index of indexes) rmSync(index, { force: true });
      expect(wrong(store)).toEqual([]);
    });
  }
}

const PARTS = ["header", "filter", "table", "order"] as const;

/** What may happen to an index file; `other` is the index of another log of the same store, `stranger` one of another store. */
interface Harm {
  readonly file: string;
  readonly bytes: Buffer;
  readonly other: string;
  readonly stranger: Buffer;
}

const HARMS: Readonly<Record<string, (harm: Harm) => void>> = {
  "is removed": ({ file }) => rmSync(file),
  "is empty": ({ file }) => truncateSync(file, 0),
  "is one byte long": ({ file }) => truncateSync(file, 1),
  "lost its last byte": ({ file, bytes }) => truncateSync(file, bytes.length - 1),
  "lost its last page": ({ file, bytes }) => truncateSync(file, bytes.length - PAGE_BYTES),
  "is cut to its first page": ({ file }) => truncateSync(file, PAGE_BYTES),
  "is cut inside its second page": ({ file }) => truncateSync(file, PAGE_BYTES + 77),
  "has a byte more": ({ file }) => appendFileSync(file, "x"),
  "has a page more": ({ file }) => appendFileSync(file, Buffer.alloc(PAGE_BYTES)),
  "is zeros": ({ file, bytes }) => writeFileSync(file, Buffer.alloc(bytes.length)),
  "is that of another log": ({ file, other }) => copyFileSync(other, file),
  "is that of another store": ({ file, stranger }) => writeFileSync(file, stranger),
  "has two pages swapped": ({ file, bytes }) => {
    const pages = Array.from({ length: bytes.length / PAGE_BYTES }, (_, page) =>
      bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES),
    );
    writeFileSync(file, Buffer.concat([...pages.slice(0, -2), ...pages.slice(-2).toReversed()]));
  },
  "is a directory": ({ file }) => {
    rmSync(file);
    mkdirSync(file);
  },
  "is a FIFO": ({ file }) => {
    rmSync(file);
    Bun.spawnSync(["mkfifo", file]);
  },
  "is a symbolic link to itself elsewhere": ({ file }) => {
    const elsewhere = join(temporaryDirectory(), "elsewhere");
    renameSync(file, elsewhere);
    symlinkSync(elsewhere, file);
  },
  "is a symbolic link to nothing": ({ file }) => {
    rmSync(file);
    symlinkSync("nothing", file);
  },
};

for (const format of ["binary", "json"] as const) {
  describe(`every answer of a ${format} store stays right when an index`, () => {
    let store: RandomStore;
    let stranger: Buffer;

    beforeAll(async () => {
      store = await writeRandomStore(join(SHARED, format), SEED + 1, { format });
      const another = await writeRandomStore(join(SHARED, `${format}-other`), SEED + 2, { format });
      stranger = readFileSync(indexesOf(another.path)[0] ?? "");
    });

    for (const [name, harm] of Object.entries(HARMS)) {
      test(name, () => {
        const harmed = { ...store, path: copyOf(store.path) };
        const indexes = indexesOf(harmed.path);
        for (const [at, file] of indexes.entries()) {
          const other = indexesOf(store.path)[(at + 1) % indexes.length] ?? "";
          harm({ file, bytes: readFileSync(file), other, stranger });
          // One of them, then all.
          if (at === 0 || at === indexes.length - 1) expect(wrong(harmed)).toEqual([]);
        }
      });
    }

    for (const part of PARTS) {
      test(`has a flipped bit in its ${part}`, () => {
        const harmed = { ...store, path: copyOf(store.path) };
        const random = seededRandom(SEED);
        const wholes = indexesOf(harmed.path).map((file) => ({ file, bytes: readFileSync(file) }));
        for (let round = 0; round < 3; round += 1) {
          for (const { file, bytes } of wholes)
            writeFileSync(file, flipped(bytes, part, random.below(PAGE_BYTES * 8)));
          expect(wrong(harmed)).toEqual([]);
        }
      });
    }

    for (const [mapped, read] of [
      ["filter and table", "order"],
      ["order", "filter and table"],
    ] as const) {
      test(`has flipped bits in its ${mapped} after a handle has mapped it and used its ${read}`, () => {
        const harmed = { ...store, path: copyOf(store.path) };
        using reader = KvStore.openOn(fastDisk(), harmed.path, { readOnly: true });
        if (read === "order") expect(wrongScans(reader, store.model)).toEqual([]);
        else expect(wrongLookups(reader, store)).toEqual([]);
        for (const file of indexesOf(harmed.path)) {
          for (const part of mapped.split(" and ") as Part[]) flipInPlace(file, part);
        }
        expect(wrongAnswers(reader, store)).toEqual([]);
      });
    }
  });
}

type Part = (typeof PARTS)[number];

function pageOf(part: Part, index: Buffer): number {
  const header = parseIndexHeader(index, index.toString("hex", 16, 24));
  if (header === undefined) throw new Error("The index is whole before it is damaged");
  const { bloomPage, slotPage, entryPage } = header.layout;
  return { header: 0, filter: bloomPage, table: slotPage, order: entryPage }[part];
}

describe("a small store", () => {
  const ENTRIES = { a: "1", b: "22", c: "33", d: "4" } as const;

  /** Two sealed logs of one length, each with two keys and an index, and a newest one. */
  function smallStore(): string {
    const path = newStorePath();
    {
      using store = KvStore.openOn(fastDisk(), path, { generationBytes: 100, autoCompact: false });
      for (const [key, value] of Object.entries(ENTRIES)) store.set(key, value);
    }
    expect(indexesOf(path)).toEqual([join(path, "1.idx"), join(path, "2.idx")]);
    expect(Bun.file(join(path, "1.log")).size).toBe(Bun.file(join(path, "2.log")).size);
    return path;
  }

  /** What a fresh handle finds. */
  function found(path: string): Record<string, string | undefined> {
    using store = KvStore.openOn(fastDisk(), path, { readOnly: true });
    return Object.fromEntries(Object.keys(ENTRIES).map((key) => [key, store.get(key)]));
  }

  test("lost keys to the index of another log, as long and of as many records", () => {
    const path = smallStore();
    copyFileSync(join(path, "1.idx"), join(path, "2.idx"));
    expect(found(path)).toEqual(ENTRIES);
  });

  test("lost keys to one bit that had flipped in the table of an index", () => {
    const path = smallStore();
    const index = readFileSync(join(path, "2.idx"));
    // Two entries have three slots of eight bytes.
    for (let bit = 0; bit < 3 * 8 * 8; bit += 1) {
      writeFileSync(join(path, "2.idx"), flipped(index, "table", bit));
      expect(found(path)).toEqual(ENTRIES);
    }
  });
});

function flipped(index: Buffer, part: Part, bit: number): Buffer {
  const copy = Buffer.from(index);
  const at = pageOf(part, index) * PAGE_BYTES + (bit >> 3);
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** Changes one bit of the file that is there: who has mapped it sees that. */
function flipInPlace(file: string, part: Part): void {
  const bytes = readFileSync(file);
  const fd = openSync(file, "r+");
  const at = pageOf(part, bytes) * PAGE_BYTES + 3;
  writeSync(fd, Buffer.of((bytes[at] ?? 0) ^ 1), 0, 1, at);
  closeSync(fd);
}

/** A copy with the same times; inodes are others. */
function copyOf(path: string): string {
  const copy = join(temporaryDirectory(), "store");
  Bun.spawnSync(["cp", "-a", path, copy]);
  return copy;
}
