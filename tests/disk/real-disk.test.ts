import { describe, expect, test } from "bun:test";
import {
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { ioError } from "../../src/disk/io-error.ts";
import { briefDisk } from "../../src/disk/brief-disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { KvsError } from "../../src/index.ts";
import { codeOf, errorOf } from "../support/damage.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** What the system says of a call that fails. */
function causeOf(work: () => unknown): unknown {
  const { cause } = errorOf(work);
  return cause instanceof Error && "code" in cause ? cause.code : cause;
}

test("an error has words for what is none of the system's", () => {
  // Its code is a number.
  const { code, message, file } = ioError("read", "1.log", new DOMException("it was given up", "AbortError"));
  expect([code, message, file]).toEqual(["IO", 'Cannot read "1.log": it was given up', "1.log"]);
});

/** The same disk, asked in two ways. */
const DISKS = [
  { name: "the disk of this machine", disk: realDisk },
  { name: "the disk of a process that does one thing", disk: briefDisk() },
] as const;

describe.each(DISKS)("$name", ({ disk }) => {
  test("says what the system said, where a directory of the path is a file", () => {
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "");
    const inside = join(file, "inside");
    expect(causeOf(() => disk.list(file))).toBe("ENOTDIR");
    expect(causeOf(() => disk.makeDirectory(inside))).toBe("ENOTDIR");
    expect(causeOf(() => disk.create(inside))).toBe("ENOTDIR");
    expect(causeOf(() => disk.unlink(inside))).toBe("ENOTDIR");
    expect(causeOf(() => disk.removeDirectory(file))).toBe("ENOTDIR");
    expect(causeOf(() => disk.syncDirectory(inside))).toBe("ENOTDIR");
    expect(causeOf(() => disk.link(inside, join(file, "other")))).toBe("ENOTDIR");
    expect(causeOf(() => disk.rename(inside, `${inside}.new`))).toBe("ENOTDIR");
    expect(disk.openToRead(inside)).toBeUndefined();
    expect(disk.openLock(inside, { create: false })).toBeUndefined();
  });

  test("follows no symbolic link, and writes to no file that has a second name", () => {
    const directory = temporaryDirectory();
    const file = join(directory, "file");
    writeFileSync(file, "bytes");
    symlinkSync(file, join(directory, "symlink"));
    linkSync(file, join(directory, "second"));
    expect(causeOf(() => disk.openToRead(join(directory, "symlink")))).toBe("ELOOP");
    expect(errorOf(() => disk.openToAppend(file)).message).toContain("another name");
    expect(errorOf(() => disk.openLock(file, { create: true })).message).toContain("another name");
    expect(errorOf(() => disk.writeHead(file, Buffer.from("x"))).message).toContain("another name");
    const toSync = disk.openToAppend(file, { onlyToSync: true });
    toSync.sync();
    toSync.close();
    toSync.close();
    expect(disk.openToRead(file)?.read(0, 10).toString()).toBe("bytes");
  });

  test("leaves directories where files are unlinked, and what is not empty", () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "full"));
    writeFileSync(join(directory, "full", "file"), "");
    disk.unlink(join(directory, "full"));
    disk.removeDirectory(join(directory, "full"));
    disk.removeDirectory(join(directory, "none"));
    disk.unlink(join(directory, "none"));
    disk.makeDirectory(join(directory, "full"));
    expect(disk.list(directory)).toEqual(["full"]);
    expect(disk.list(join(directory, "full"))).toEqual(["file"]);
    expect(disk.link(join(directory, "none"), join(directory, "other"))).toBe(false);
    expect(causeOf(() => disk.link(join(directory, "full/file"), join(directory, "full")))).toBe("EEXIST");
  });

  test("puts bytes in the place of a file's first ones", () => {
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "0123456789");
    disk.writeHead(file, Buffer.from("abc"));
    const found = disk.openToRead(file);
    expect(found?.read(0, 10).toString()).toBe("abc3456789");
    found?.close();
  });

  test("has a lock that one handle holds at a time, and whose file can be synced", () => {
    const path = join(temporaryDirectory(), "lock");
    const first = disk.openLock(path, { create: true });
    const second = disk.openLock(path, { create: false });
    expect(first?.tryLock()).toBe(true);
    expect(second?.tryLock()).toBe(false);
    first?.write(0, Buffer.from("held"));
    first?.sync();
    first?.unlock();
    expect(second?.tryLock()).toBe(true);
    expect(second?.read(0, 4).toString()).toBe("held");
    expect(second?.isCurrent()).toBe(true);
    first?.close();
    second?.close();
  });

  test("lets whoever appends know that somebody else did as well", () => {
    const path = join(temporaryDirectory(), "file");
    const one = disk.create(path);
    const other = disk.openToAppend(path);
    one.append(Buffer.from("abc"), 0);
    expect(codeOf(() => other.append(Buffer.from("def"), 0))).toBe("IO");
    expect(one.size()).toBe(6);
    other.truncate(3);
    other.append(Buffer.from("ghi"), 3);
    expect(disk.openToRead(path)?.read(0, 10).toString()).toBe("abcghi");
    one.close();
    other.close();
    expect(() => one.size()).toThrow(KvsError);
  });

  test("maps no file that is empty, and lets go of a map once", () => {
    const directory = temporaryDirectory();
    const path = join(directory, "file");
    writeFileSync(path, "");
    const empty = disk.openToRead(path);
    expect(empty?.map()).toBeUndefined();
    expect(empty?.mapLive()).toBeUndefined();
    empty?.close();
    writeFileSync(path, "bytes");
    const file = disk.openToRead(path);
    const map = file?.map();
    expect(map?.bytes.toString()).toBe("bytes");
    map?.release();
    map?.release();
    expect(map?.bytes.length).toBe(0);
    file?.close();
  });

  test("lists more names than fit in one answer of the system, in any script", () => {
    const directory = temporaryDirectory();
    const names = Array.from({ length: 500 }, (_, index) => `${"n".repeat(60)}${index}`);
    for (const name of [...names, "ключ", "鍵"]) writeFileSync(join(directory, name), "");
    expect(disk.list(directory)?.toSorted()).toEqual([...names, "ключ", "鍵"].toSorted());
    expect(disk.list(join(directory, "none"))).toBeUndefined();
  });

  test("reads as far as a file goes, and what is not there not at all", () => {
    const path = join(temporaryDirectory(), "файл");
    writeFileSync(path, "bytes");
    const file = disk.openToRead(path);
    expect(file?.size()).toBe(5);
    expect(file?.read(2, 100).toString()).toBe("tes");
    expect(file?.read(5, 1).length).toBe(0);
    expect(file?.read(0, 0).length).toBe(0);
    expect(file?.stamp()).toEqual(realDisk.openToRead(path)?.stamp() ?? { inode: 0, modified: 0 });
    file?.close();
    expect(disk.openToRead(`${path}.none`)).toBeUndefined();
  });

  test("creates files for their owner only, in the place of what was there", () => {
    const path = join(temporaryDirectory(), "file");
    for (const text of ["first", "other"]) {
      const file = disk.create(path);
      file.append(Buffer.from(text), 0);
      file.sync();
      file.close();
      expect(readFileSync(path, "utf8")).toBe(text);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
  });

  test("knows a path from the root, however it is written", () => {
    const paths = [
      "a",
      "./a",
      "/a/b",
      "a/../b",
      "a//b",
      "a/",
      ".",
      "..",
      "",
      "/",
      "../a",
      "a/.",
      "/tmp/.hidden/a",
    ];
    expect(paths.map((path) => disk.absolute(path))).toEqual(paths.map((path) => resolve(path)));
  });

  test("goes up from where a symbolic link leads to, as the system does", () => {
    const root = realpathSync(temporaryDirectory());
    mkdirSync(join(root, "a/b"), { recursive: true });
    symlinkSync("a/b", join(root, "link"));
    for (const [path, found] of [
      ["link/../s", "a/s"],
      ["link/..", "a"],
      ["link/../../s", "s"],
      ["./link/../b/../s/", "a/s"],
      ["link/..s/../s", "link/s"],
      ["none/../s", "s"],
    ] as const)
      expect([path, disk.absolute(`${root}/${path}`)]).toEqual([path, join(root, found)]);
    expect(disk.absolute("/../../s")).toBe("/s");
  });

  test("opens nothing whose name holds a zero byte", () => {
    expect(() => disk.openToRead(join(temporaryDirectory(), "a\0b"))).toThrow(KvsError);
  });

  test("says when another file stands under the path of a lock, or none", () => {
    const path = join(temporaryDirectory(), "lock");
    const lock = disk.openLock(path, { create: true });
    rmSync(path);
    expect(lock?.isCurrent()).toBe(false);
    writeFileSync(path, "");
    expect(lock?.isCurrent()).toBe(false);
    lock?.close();
  });

  test("names the boot, the same each time", () => {
    expect(disk.bootId()).toMatch(/^[0-9a-f]{32}$/);
    expect(disk.bootId()).toBe(realDisk.bootId());
  });

  test("has an error for a file that cannot be examined or synced any more", () => {
    const path = join(temporaryDirectory(), "lock");
    const lock = disk.openLock(path, { create: true });
    lock?.close();
    expect(codeOf(() => lock?.sync())).toBe("IO");
    expect(codeOf(() => lock?.isCurrent())).toBe("IO");
    expect(codeOf(() => lock?.write(0, Buffer.from("x")))).toBe("IO");
  });
});

test("what cannot be read is an error that names the file", () => {
  const path = join(temporaryDirectory(), "file");
  writeFileSync(path, "bytes");
  const file = realDisk.openToRead(path);
  file?.close();
  expect(codeOf(() => file?.read(0, 5))).toBe("IO");
});
