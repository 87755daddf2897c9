import { KvsError } from "./errors.ts";

/*
 * A backup as one stream is a tar archive in the ustar format of POSIX: blocks of
 * 512 bytes, a header before each member. docs/format.md describes what is used
 * of it; the offsets here follow from the sizes of the fields before.
 */
export const BLOCK_BYTES = 512;

/** The last member: the checksums of all others, as `sha256sum` writes and reads them. */
export const CHECKSUMS_NAME = "SHA256SUMS";

/** More logs than a store can have open would not fill it. */
export const MAX_CHECKSUMS_BYTES: number = 16 * 1024 * 1024;

/** What an archive ends with. */
export const END_OF_ARCHIVE: Buffer = Buffer.alloc(2 * BLOCK_BYTES);

const NAME_BYTES = 100;
const NUMBER_BYTES = 8;
const LONG_NUMBER_BYTES = 12;
const MAGIC = "ustar\u000000";

const MODE_AT: number = NAME_BYTES;
const USER_AT: number = MODE_AT + NUMBER_BYTES;
const GROUP_AT: number = USER_AT + NUMBER_BYTES;
const SIZE_AT: number = GROUP_AT + NUMBER_BYTES;
const MODIFIED_AT: number = SIZE_AT + LONG_NUMBER_BYTES;
const CHECKSUM_AT: number = MODIFIED_AT + LONG_NUMBER_BYTES;
const TYPE_AT: number = CHECKSUM_AT + NUMBER_BYTES;
const LINK_NAME_AT: number = TYPE_AT + 1;
const MAGIC_AT: number = LINK_NAME_AT + NAME_BYTES;

const REGULAR_FILE = 0x30;
const FILE_MODE = 0o600;
const SPACE = 0x20;

/** Sizes from here on have more octal digits than the field has room for: then the first bit is set, and bytes follow. */
const MAX_OCTAL_SIZE: number = 8 ** (LONG_NUMBER_BYTES - 1);
const BINARY_MARK = 0x80;

/** What an archive says of one member. */
export interface Member {
  readonly name: string;
  readonly bytes: number;
  /** In milliseconds since 1970. */
  readonly modified: number;
}

/** What stands before a member's bytes. */
export function encodeMember({ name, bytes, modified }: Member): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.latin1Write(name, 0);
  writeOctal(header, FILE_MODE, MODE_AT, NUMBER_BYTES);
  writeOctal(header, 0, USER_AT, NUMBER_BYTES);
  writeOctal(header, 0, GROUP_AT, NUMBER_BYTES);
  if (bytes < MAX_OCTAL_SIZE) writeOctal(header, bytes, SIZE_AT, LONG_NUMBER_BYTES);
  else writeBinary(header, bytes);
  writeOctal(header, Math.floor(modified / 1000), MODIFIED_AT, LONG_NUMBER_BYTES);
  header[TYPE_AT] = REGULAR_FILE;
  header.latin1Write(MAGIC, MAGIC_AT);
  writeOctal(header, sumOf(header), CHECKSUM_AT, NUMBER_BYTES - 1);
  return header;
}

/** Zeros that fill up the last block of a member. */
export function paddingAfter(bytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** Parses what stands before a member; undefined for a block of zeros, which ends an archive. Throws `CORRUPT`. */
export function parseMember(header: Buffer): Pick<Member, "name" | "bytes"> | undefined {
  if (header.every((byte) => byte === 0)) return undefined;
  if (header.latin1Slice(MAGIC_AT, MAGIC_AT + MAGIC.length) !== MAGIC)
    throw damaged("it is no backup of kvs");
  if (readOctal(header, CHECKSUM_AT, NUMBER_BYTES) !== sumOf(header)) {
    throw damaged("a member's header fails its checksum");
  }
  if (header[TYPE_AT] !== REGULAR_FILE) throw damaged("it holds something else than files");
  const nameEnd = header.indexOf(0);
  const name = header.latin1Slice(0, Math.min(nameEnd, NAME_BYTES));
  const isBinary = header[SIZE_AT] === BINARY_MARK;
  const bytes = isBinary ? readBinary(header) : readOctal(header, SIZE_AT, LONG_NUMBER_BYTES);
  if (bytes === undefined || !Number.isSafeInteger(bytes)) throw damaged("a member's size is no number");
  return { name, bytes };
}

/** The error for an archive that is not as kvs writes one. */
export function damaged(reason: string): KvsError {
  return new KvsError("CORRUPT", `Cannot restore the backup: ${reason}`);
}

/** A member's checksum. */
export interface Checksum {
  readonly name: string;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

export function encodeChecksums(checksums: readonly Checksum[]): Buffer {
  return Buffer.from(checksums.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join(""));
}

function sumOf(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    const isChecksum = at >= CHECKSUM_AT && at < TYPE_AT;
    sum += isChecksum ? SPACE : (header[at] ?? 0);
  }
  return sum;
}

/** Octal digits, and a zero byte at the field's end. The checksum's field has a space behind that. */
function writeOctal(header: Buffer, value: number, at: number, bytes: number): void {
  header.latin1Write(value.toString(8).padStart(bytes - 1, "0"), at);
  if (at === CHECKSUM_AT) header[at + bytes] = SPACE;
}

function readOctal(header: Buffer, at: number, bytes: number): number | undefined {
  const digits = /^([0-7]+)[ \0]*$/.exec(header.latin1Slice(at, at + bytes))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

/** The size in the field's last eight bytes, most significant first. */
function writeBinary(header: Buffer, bytes: number): void {
  header[SIZE_AT] = BINARY_MARK;
  header.writeBigUInt64BE(BigInt(bytes), MODIFIED_AT - 8);
}

function readBinary(header: Buffer): number | undefined {
  const isShort = header.subarray(SIZE_AT + 1, MODIFIED_AT - 8).every((byte) => byte === 0);
  return isShort ? Number(header.readBigUInt64BE(MODIFIED_AT - 8)) : undefined;
}
