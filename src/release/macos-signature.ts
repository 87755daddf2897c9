import { readFileSync, writeFileSync } from "node:fs";

/** Mach-O, little-endian: where the header's load commands begin, and the two that matter here. */
const HEADER_BYTES = 32;
const COMMAND_COUNT_AT = 16;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
/** Inside `LC_SEGMENT_64`: the segment's name, and its place in the file. */
const SEGMENT_NAME_AT = 8;
const SEGMENT_FILE_OFFSET_AT = 40;
const SEGMENT_FILE_SIZE_AT = 48;

/** The signature, big-endian: a super blob with one code directory, which has one SHA-256 a page. */
const SUPER_BLOB_MAGIC = 0xfade0cc0;
const SUPER_BLOB_BYTES = 20;
const DIRECTORY_MAGIC = 0xfade0c02;
const DIRECTORY_BYTES = 88;
const DIRECTORY_VERSION = 0x20400;
const AD_HOC = 2;
const SHA256 = 2;
const MAIN_BINARY = 1;
const PAGE_SHIFT = 12;
const PAGE_BYTES = 2 ** PAGE_SHIFT;
const HASH_BYTES = 32;
const IDENTIFIER = Buffer.from("kvs\0");

/**
 * Puts an ad-hoc signature where a Mach-O file has one that no longer fits its
 * content. Nobody vouches for it, but macOS may kill what has a broken one.
 */
export function signAdHoc(path: string): void {
  const file = readFileSync(path);
  const { at, length } = findSignature(file, path);
  const signature = signatureOf(file.subarray(0, at), textSegmentOf(file, path));
  if (signature.length > length)
    throw new Error(`Cannot sign "${path}": there is room for ${length} bytes, needed ${signature.length}`);
  file.fill(0, at, at + length);
  signature.copy(file, at);
  writeFileSync(path, file);
}

interface Part {
  readonly at: number;
  readonly length: number;
}

function findSignature(file: Buffer, path: string): Part {
  const command = findCommand(file, path, (at) => file.readUInt32LE(at) === LC_CODE_SIGNATURE);
  return { at: file.readUInt32LE(command + 8), length: file.readUInt32LE(command + 12) };
}

function textSegmentOf(file: Buffer, path: string): Part {
  const command = findCommand(
    file,
    path,
    (at) =>
      file.readUInt32LE(at) === LC_SEGMENT_64 &&
      file.toString("latin1", at + SEGMENT_NAME_AT, at + SEGMENT_NAME_AT + 7) === "__TEXT\0",
  );
  return {
    at: Number(file.readBigUInt64LE(command + SEGMENT_FILE_OFFSET_AT)),
    length: Number(file.readBigUInt64LE(command + SEGMENT_FILE_SIZE_AT)),
  };
}

function findCommand(file: Buffer, path: string, isWanted: (at: number) => boolean): number {
  let at = HEADER_BYTES;
  for (let left = file.readUInt32LE(COMMAND_COUNT_AT); left > 0; left -= 1) {
    if (isWanted(at)) return at;
    at += file.readUInt32LE(at + 4);
  }
  throw new Error(`Cannot sign "${path}": a load command is missing`);
}

function signatureOf(code: Buffer, text: Part): Buffer {
  const pages = Math.ceil(code.length / PAGE_BYTES);
  const hashesAt = DIRECTORY_BYTES + IDENTIFIER.length;
  const directoryBytes = hashesAt + pages * HASH_BYTES;
  const blob = Buffer.alloc(SUPER_BLOB_BYTES + directoryBytes);
  const words = [SUPER_BLOB_MAGIC, blob.length, 1, 0, SUPER_BLOB_BYTES];
  words.push(DIRECTORY_MAGIC, directoryBytes, DIRECTORY_VERSION, AD_HOC);
  words.push(hashesAt, DIRECTORY_BYTES, 0, pages, code.length);
  for (const [index, word] of words.entries()) blob.writeUInt32BE(word, index * 4);
  const directory = blob.subarray(SUPER_BLOB_BYTES);
  directory.set([HASH_BYTES, SHA256, 0, PAGE_SHIFT], 36);
  directory.writeBigUInt64BE(BigInt(text.at), 64);
  directory.writeBigUInt64BE(BigInt(text.length), 72);
  directory.writeBigUInt64BE(BigInt(MAIN_BINARY), 80);
  IDENTIFIER.copy(directory, DIRECTORY_BYTES);
  for (let page = 0; page < pages; page += 1) {
    const content = code.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    const hash = new Bun.CryptoHasher("sha256").update(content).digest();
    hash.copy(directory, hashesAt + page * HASH_BYTES);
  }
  return blob;
}
