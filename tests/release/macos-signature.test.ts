import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { signAdHoc } from "../../src/release/macos-signature.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const PAGE = 4096;
const CODE_BYTES = 2 * PAGE + 100;

/** A Mach-O file of three pages: a header, `__TEXT`, and room for a signature, which holds noise. */
function machO(room: number): string {
  const file = Buffer.alloc(CODE_BYTES + room, 0xaa);
  file.fill(0, 0, 32 + 72 + 16);
  file.writeUInt32LE(0xfeedfacf, 0);
  file.writeUInt32LE(2, 16);
  file.writeUInt32LE(0x19, 32);
  file.writeUInt32LE(72, 36);
  file.write("__TEXT\0", 40, "latin1");
  file.writeBigUInt64LE(BigInt(PAGE), 32 + 48);
  file.writeUInt32LE(0x1d, 104);
  file.writeUInt32LE(16, 108);
  file.writeUInt32LE(CODE_BYTES, 112);
  file.writeUInt32LE(room, 116);
  const path = join(temporaryDirectory(), "macho");
  writeFileSync(path, file);
  return path;
}

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

test("every page of the code has its hash in the signature, the last one cut at the code's end", () => {
  const path = machO(512);
  const before = readFileSync(path).subarray(0, CODE_BYTES);
  signAdHoc(path);
  const file = readFileSync(path);
  expect(file.subarray(0, CODE_BYTES).equals(before)).toBe(true);
  const blob = file.subarray(CODE_BYTES);
  expect(blob.readUInt32BE(0)).toBe(0xfade0cc0);
  const directory = blob.subarray(blob.readUInt32BE(16), blob.readUInt32BE(4));
  const hashesAt = directory.readUInt32BE(16);
  const hashes = directory.subarray(hashesAt, directory.readUInt32BE(4)).toString("hex");
  const pages = [0, PAGE, 2 * PAGE].map((at) => before.subarray(at, at + PAGE));
  expect(hashes).toBe(pages.map(sha256).join(""));
  expect([directory.readUInt32BE(28), directory.readUInt32BE(32)]).toEqual([3, CODE_BYTES]);
  // Nothing of the old signature is left.
  expect(blob.subarray(blob.readUInt32BE(4)).every((byte) => byte === 0)).toBe(true);
});

test("a file without room for the signature is refused and stays as it is", () => {
  const path = machO(64);
  const before = readFileSync(path);
  expect(() => signAdHoc(path)).toThrow("there is room for 64 bytes, needed 208");
  expect(readFileSync(path).equals(before)).toBe(true);
});
