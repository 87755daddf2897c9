import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { signAdHoc } from "../../src/release/macos-signature.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const PAGE = 4096;
const CODE_BYTES = 2 * PAGE + 100;

/** Where the segment that holds the signature begins. */
const LINK_EDIT_AT = 2 * PAGE;
const LINK_EDIT_COMMAND_AT = 120;

/** A Mach-O file of three pages: a header, two segments, and room for a signature, which holds noise. */
function machO(room: number, { behind = 0 } = {}): string {
  const file = Buffer.alloc(CODE_BYTES + room + behind, 0xaa);
  file.fill(0, 0, LINK_EDIT_COMMAND_AT + 72);
  file.writeUInt32LE(0xfeedfacf, 0);
  file.writeUInt32LE(3, 16);
  file.writeUInt32LE(0x19, 32);
  file.writeUInt32LE(72, 36);
  file.write("__TEXT\0", 40, "latin1");
  file.writeBigUInt64LE(BigInt(PAGE), 32 + 48);
  file.writeUInt32LE(0x1d, 104);
  file.writeUInt32LE(16, 108);
  file.writeUInt32LE(CODE_BYTES, 112);
  file.writeUInt32LE(room, 116);
  file.writeUInt32LE(0x19, LINK_EDIT_COMMAND_AT);
  file.writeUInt32LE(72, LINK_EDIT_COMMAND_AT + 4);
  file.write("__LINKEDIT\0", LINK_EDIT_COMMAND_AT + 8, "latin1");
  file.writeBigUInt64LE(BigInt(256), LINK_EDIT_COMMAND_AT + 32);
  file.writeBigUInt64LE(BigInt(LINK_EDIT_AT), LINK_EDIT_COMMAND_AT + 40);
  file.writeBigUInt64LE(BigInt(CODE_BYTES + room - LINK_EDIT_AT), LINK_EDIT_COMMAND_AT + 48);
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

test("a file without room for the signature grows, with the segment that holds it", () => {
  const path = machO(64);
  signAdHoc(path);
  const file = readFileSync(path);
  expect([file.length, file.readUInt32LE(116)]).toEqual([CODE_BYTES + 208, 208]);
  const sizes = [32, 48].map((at) => Number(file.readBigUInt64LE(LINK_EDIT_COMMAND_AT + at)));
  expect(sizes).toEqual([PAGE, CODE_BYTES + 208 - LINK_EDIT_AT]);
  // The header, which says so, is signed as it is now.
  const directory = file.subarray(CODE_BYTES + file.readUInt32BE(CODE_BYTES + 16));
  const firstHash = directory.subarray(directory.readUInt32BE(16)).subarray(0, 32).toString("hex");
  expect(firstHash).toBe(sha256(file.subarray(0, PAGE)));
});

test("a file whose signature cannot grow is refused and stays as it is", () => {
  const path = machO(64, { behind: 1 });
  const before = readFileSync(path);
  expect(() => signAdHoc(path)).toThrow("its signature is not at its end");
  expect(readFileSync(path).equals(before)).toBe(true);
});
