import { readFileSync, writeFileSync } from "node:fs";

/** Mach-O, little-endian: where the header's load commands begin, and the two that matter here. */
const HEADER_BYTES = 32;
const COMMAND_COUNT_AT = 16;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
/** Inside `LC_SEGMENT_64`: the segment's name, and its place in the file. */
const SEGMENT_NAME_AT = 8;
const SEGMENT_MEMORY_SIZE_AT = 32;
const SEGMENT_FILE_OFFSET_AT = 40;
const SEGMENT_FILE_SIZE_AT = 48;

/** Inside `LC_CODE_SIGNATURE`: where it is in the file, and how long. */
const SIGNATURE_AT_AT = 8;
const SIGNATURE_LENGTH_AT = 12;

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
const HASHES_AT: number = DIRECTORY_BYTES + IDENTIFIER.length;

/**
 * Puts an ad-hoc signature where a Mach-O file has one that no longer fits its
 * content. Nobody vouches for it, but macOS may kill what has a broken one.
 */
export function signAdHoc(path: string): void {
  const file = withRoom(readFileSync(path), path);
  const { at, length } = findSignature(file, path);
  const signature = signatureOf(file.subarray(0, at), textSegmentOf(file, path));
  file.fill(0, at, at + length);
  signature.copy(file, at);
  writeFileSync(path, file);
}

interface Part {
  readonly at: number;
  readonly length: number;
}

/** The file with room for its signature, which may have to grow: what was added has pages of its own. */
function withRoom(file: Buffer, path: string): Buffer {
  const { at, length } = findSignature(file, path);
  const missing = signatureBytes(at) - length;
  if (missing <= 0) return file;
  if (at + length !== file.length) throw new Error(`Cannot sign "${path}": its signature is not at its end`);
  const grown = Buffer.concat([file, Buffer.alloc(missing)]);
  grown.writeUInt32LE(length + missing, signatureCommand(file, path) + SIGNATURE_LENGTH_AT);
  const segment = segmentCommand(file, path, "__LINKEDIT");
  const size = file.readBigUInt64LE(segment + SEGMENT_FILE_SIZE_AT) + BigInt(missing);
  grown.writeBigUInt64LE(size, segment + SEGMENT_FILE_SIZE_AT);
  if (size > file.readBigUInt64LE(segment + SEGMENT_MEMORY_SIZE_AT)) {
    const pages = Math.ceil(Number(size) / PAGE_BYTES);
    grown.writeBigUInt64LE(BigInt(pages * PAGE_BYTES), segment + SEGMENT_MEMORY_SIZE_AT);
  }
  return grown;
}

function findSignature(file: Buffer, path: string): Part {
  const command = signatureCommand(file, path);
  return {
    at: file.readUInt32LE(command + SIGNATURE_AT_AT),
    length: file.readUInt32LE(command + SIGNATURE_LENGTH_AT),
  };
}

function signatureCommand(file: Buffer, path: string): number {
  return findCommand(file, path, (at) => file.readUInt32LE(at) === LC_CODE_SIGNATURE);
}

function segmentCommand(file: Buffer, path: string, name: string): number {
  const nameOf = (at: number): string =>
    file.toString("latin1", at + SEGMENT_NAME_AT, at + SEGMENT_NAME_AT + name.length + 1);
  return findCommand(
    file,
    path,
    (at) => file.readUInt32LE(at) === LC_SEGMENT_64 && nameOf(at) === `${name}\0`,
  );
}

function textSegmentOf(file: Buffer, path: string): Part {
  const command = segmentCommand(file, path, "__TEXT");
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

/** Bytes of the signature of so many bytes of code. */
function signatureBytes(codeBytes: number): number {
  return SUPER_BLOB_BYTES + HASHES_AT + Math.ceil(codeBytes / PAGE_BYTES) * HASH_BYTES;
}

function signatureOf(code: Buffer, text: Part): Buffer {
  const pages = Math.ceil(code.length / PAGE_BYTES);
  const blob = Buffer.alloc(signatureBytes(code.length));
  const directoryBytes = blob.length - SUPER_BLOB_BYTES;
  const words = [SUPER_BLOB_MAGIC, blob.length, 1, 0, SUPER_BLOB_BYTES];
  words.push(DIRECTORY_MAGIC, directoryBytes, DIRECTORY_VERSION, AD_HOC);
  words.push(HASHES_AT, DIRECTORY_BYTES, 0, pages, code.length);
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
    hash.copy(directory, HASHES_AT + page * HASH_BYTES);
  }
  return blob;
}
