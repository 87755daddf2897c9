import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { realDisk } from "../../src/disk/real-disk.ts";
import { restoreDirectory } from "../../src/engine/restore.ts";
import { runToEnd } from "../../src/engine/slices.ts";
import { KvStore } from "../../src/index.ts";
import { codeOf, contentOf, errorOf } from "../support/damage.ts";
import { fastDisk, HookedDisk, systemError } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

function smallStore(): string {
  const path = newStorePath();
  using store = KvStore.openOn(fastDisk(), path);
  store.set("a", "1");
  return path;
}

/** A path at which there is nothing, or an empty directory. */
function target(isThere: boolean): string {
  const path = newStorePath();
  if (isThere) mkdirSync(path);
  return path;
}

describe.each([
  ["a directory that is not there yet", false],
  ["a directory that is empty", true],
] as const)("a restore into %s", (_, isThere) => {
  test.each([
    ["make LOCK", "openLock"],
    ["write to LOCK", "lock.write"],
  ])("that cannot even %s leaves it as it was", (__, failing) => {
    const from = smallStore();
    const to = target(isThere);
    let isFull = true;
    const full = new HookedDisk(({ method, path }) => {
      if (!isFull || method !== failing) return undefined;
      isFull = false;
      return { error: systemError("ENOSPC", path) };
    });
    expect(codeOf(() => runToEnd(restoreDirectory(full, from, to)))).toBe("IO");
    expect([existsSync(to), isThere ? readdirSync(to) : []]).toEqual([isThere, []]);
  });

  test("leaves what somebody else has put there as the restore began", () => {
    const from = smallStore();
    const to = target(isThere);
    const disk = new HookedDisk(({ method, path }) => {
      if (method === "openLock" && path === `${to}/LOCK`) writeFileSync(join(to, "notes"), "mine");
      return undefined;
    });
    expect(errorOf(() => runToEnd(restoreDirectory(disk, from, to))).message).toContain("it is not empty");
    expect(readdirSync(to).toSorted()).toEqual(["LOCK", "notes"]);
  });

  test("waits for nobody who writes there already, and takes nothing from them", () => {
    const from = smallStore();
    const to = target(isThere);
    const writers: { close(): void }[] = [];
    const disk = new HookedDisk(({ method, path }) => {
      if (method !== "openLock" || writers.length > 0) return undefined;
      const lock = realDisk.openLock(path, { create: true });
      if (lock?.tryLock() === true) writers.push(lock);
      return undefined;
    });
    expect(codeOf(() => runToEnd(restoreDirectory(disk, from, to)))).toBe("LOCKED");
    expect(readdirSync(to)).toEqual(["LOCK"]);
    for (const writer of writers) writer.close();
  });

  test("whose files are removed while it is made is none", () => {
    const from = smallStore();
    const to = target(isThere);
    const remove = (): void => rmSync(join(to, "1.log.tmp"), { force: true });
    const error = errorOf(() => runToEnd(restoreDirectory(fastDisk(), from, to, remove)));
    expect(error.message).toBe(`Cannot restore into "${to}": its files were removed`);
    expect([existsSync(to), isThere ? readdirSync(to) : []]).toEqual([isThere, []]);
    expect(contentOf(from)).toEqual([["a", "1"]]);
  });
});
