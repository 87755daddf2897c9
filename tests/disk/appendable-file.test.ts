import { expect, test } from "bun:test";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Disk } from "../../src/disk/disk.ts";
import { briefDisk } from "../../src/disk/brief-disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { codeOf } from "../support/damage.ts";
import { temporaryDirectory } from "../support/temporary.ts";

test("an append that ends elsewhere than it should is an error, and the next one is none", () => {
  expectNoticed(realDisk);
});

test("so it is in a process of one write", () => {
  expectNoticed(briefDisk());
});

test("what the system was asked to begin to write is there, and still to be synced", () => {
  for (const disk of [realDisk, briefDisk()]) {
    const path = join(temporaryDirectory(), "file");
    const file = disk.create(path);
    file.append(Buffer.from("123"), 0);
    file.beginWriteBack(0, 3);
    file.append(Buffer.from("45"), 3);
    // No such part of the file: nothing comes of a hint.
    file.beginWriteBack(2 ** 40, 2 ** 30);
    file.sync();
    file.close();
    expect(readFileSync(path, "utf8")).toBe("12345");
  }
});

function expectNoticed(disk: Disk): void {
  const path = join(temporaryDirectory(), "file");
  const file = disk.create(path);
  file.append(Buffer.from("123"), 0);
  // As if only half of it had been written.
  expect(codeOf(() => file.append(Buffer.from("45"), 5))).toBe("IO");
  // Somebody else has written to the file.
  appendFileSync(path, "6");
  expect(codeOf(() => file.append(Buffer.from("7"), 5))).toBe("IO");
  file.append(Buffer.from("8"), 7);
  file.close();
  expect(readFileSync(path, "utf8")).toBe("12345678");
}
