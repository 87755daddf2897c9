import { describe, expect, test } from "bun:test";
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ioError } from "../../src/disk/io-error.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { KvsError } from "../../src/index.ts";
import { codeOf, errorOf } from "../support/damage.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** What the system says of a call that fails. */
function causeOf(work: () => unknown): unknown {
  const { cause } = errorOf(work);
  return cause instanceof Error && "code" in cause ? cause.code : cause;
}

describe("the disk of this machine", () => {
  test("has the words of an error for what is none of the system's", () => {
    // Its code is a number.
    const { code, message, file } = ioError(
      "read",
      "1.log",
      new DOMException("it was given up", "AbortError"),
    );
    expect([code, message, file]).toEqual(["IO", 'Cannot read "1.log": it was given up', "1.log"]);
  });

  test("says what the system said, where a directory of the path is a file", () => {
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "");
    const inside = join(file, "inside");
    expect(causeOf(() => realDisk.list(file))).toBe("ENOTDIR");
    expect(causeOf(() => realDisk.makeDirectory(inside))).toBe("ENOTDIR");
    expect(causeOf(() => realDisk.create(inside))).toBe("ENOTDIR");
    expect(causeOf(() => realDisk.unlink(inside))).toBe("ENOTDIR");
    expect(causeOf(() => realDisk.removeDirectory(file))).toBe("ENOTDIR");
    expect(causeOf(() => realDisk.syncDirectory(inside))).toBe("ENOTDIR");
    expect(causeOf(() => realDisk.link(inside, join(file, "other")))).toBe("ENOTDIR");
    expect(causeOf(() => realDisk.rename(inside, `${inside}.new`))).toBe("ENOTDIR");
    expect(realDisk.openToRead(inside)).toBeUndefined();
    expect(realDisk.openLock(inside, { create: false })).toBeUndefined();
  });

  test("follows no symbolic link, and writes to no file that has a second name", () => {
    const directory = temporaryDirectory();
    const file = join(directory, "file");
    writeFileSync(file, "bytes");
    symlinkSync(file, join(directory, "symlink"));
    linkSync(file, join(directory, "second"));
    expect(causeOf(() => realDisk.openToRead(join(directory, "symlink")))).toBe("ELOOP");
    expect(errorOf(() => realDisk.openToAppend(file)).message).toContain("another name");
    expect(errorOf(() => realDisk.openLock(file, { create: true })).message).toContain("another name");
    expect(errorOf(() => realDisk.writeHead(file, Buffer.from("x"))).message).toContain("another name");
    const toSync = realDisk.openToAppend(file, { onlyToSync: true });
    toSync.sync();
    toSync.close();
    toSync.close();
    expect(realDisk.openToRead(file)?.read(0, 10).toString()).toBe("bytes");
  });

  test("leaves directories where files are unlinked, and what is not empty", () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "full"));
    writeFileSync(join(directory, "full", "file"), "");
    realDisk.unlink(join(directory, "full"));
    realDisk.removeDirectory(join(directory, "full"));
    realDisk.removeDirectory(join(directory, "none"));
    realDisk.unlink(join(directory, "none"));
    realDisk.makeDirectory(join(directory, "full"));
    expect(realDisk.list(directory)).toEqual(["full"]);
    expect(realDisk.list(join(directory, "full"))).toEqual(["file"]);
    expect(realDisk.link(join(directory, "none"), join(directory, "other"))).toBe(false);
    expect(causeOf(() => realDisk.link(join(directory, "full/file"), join(directory, "full")))).toBe(
      "EEXIST",
    );
  });

  test("puts bytes in the place of a file's first ones", () => {
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "0123456789");
    realDisk.writeHead(file, Buffer.from("abc"));
    const found = realDisk.openToRead(file);
    expect(found?.read(0, 10).toString()).toBe("abc3456789");
    found?.close();
  });

  test("has a lock that one handle holds at a time, and whose file can be synced", () => {
    const path = join(temporaryDirectory(), "lock");
    const first = realDisk.openLock(path, { create: true });
    const second = realDisk.openLock(path, { create: false });
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
    const one = realDisk.create(path);
    const other = realDisk.openToAppend(path);
    one.append(Buffer.from("abc"), 0);
    expect(codeOf(() => other.append(Buffer.from("def"), 0))).toBe("IO");
    expect(one.size()).toBe(6);
    other.truncate(3);
    other.append(Buffer.from("ghi"), 3);
    expect(realDisk.openToRead(path)?.read(0, 10).toString()).toBe("abcghi");
    one.close();
    other.close();
    expect(() => one.size()).toThrow(KvsError);
  });

  test("maps no file that is empty, and lets go of a map once", () => {
    const directory = temporaryDirectory();
    const path = join(directory, "file");
    writeFileSync(path, "");
    const empty = realDisk.openToRead(path);
    expect(empty?.map()).toBeUndefined();
    expect(empty?.mapLive()).toBeUndefined();
    empty?.close();
    writeFileSync(path, "bytes");
    const file = realDisk.openToRead(path);
    const map = file?.map();
    expect(map?.bytes.toString()).toBe("bytes");
    map?.release();
    map?.release();
    expect(map?.bytes.length).toBe(0);
    file?.close();
  });
});

test("what cannot be read is an error that names the file", () => {
  const path = join(temporaryDirectory(), "file");
  writeFileSync(path, "bytes");
  const file = realDisk.openToRead(path);
  file?.close();
  expect(codeOf(() => file?.read(0, 5))).toBe("IO");
});
