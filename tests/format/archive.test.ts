import { describe, expect, test } from "bun:test";
import { BLOCK_BYTES, encodeMember, parseMember } from "../../src/format/archive.ts";
import { codeOf } from "../support/damage.ts";

const TYPE_AT = 156;
const SIZE_AT = 124;
const CHECKSUM_AT = 148;

/** Changes a header and makes its checksum right again. */
function changed(change: (header: Buffer) => void): Buffer {
  const header = encodeMember({ name: "1.log", bytes: 5, modified: 0 });
  change(header);
  header.fill(0x20, CHECKSUM_AT, TYPE_AT);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.latin1Write(`${sum.toString(8).padStart(6, "0")}\0 `, CHECKSUM_AT);
  return header;
}

describe("a member's header", () => {
  test.each([0, 5, 8 ** 11 - 1, 8 ** 11, 2 ** 50])("says that it has %d bytes", (bytes) => {
    const header = encodeMember({ name: "1-6.log", bytes, modified: 1_700_000_000_000 });
    expect(parseMember(header)).toEqual({ name: "1-6.log", bytes });
  });

  test("of zeros is the end", () => {
    expect(parseMember(Buffer.alloc(BLOCK_BYTES))).toBeUndefined();
  });

  test("is refused where it is none of ours, or not as it was written", () => {
    expect(parseMember(changed(() => undefined))).toEqual({ name: "1.log", bytes: 5 });
    const link = changed((header) => (header[TYPE_AT] = 0x32));
    const noNumber = changed((header) => header.latin1Write("9", SIZE_AT));
    const huge = changed((header) =>
      header.fill(0xff, SIZE_AT + 4, SIZE_AT + 12).fill(0x80, SIZE_AT, SIZE_AT + 1),
    );
    const notSafe = changed((header) => {
      header.fill(0, SIZE_AT, SIZE_AT + 12);
      header[SIZE_AT] = 0x80;
      header.fill(0x7f, SIZE_AT + 4, SIZE_AT + 12);
    });
    const flipped = encodeMember({ name: "1.log", bytes: 5, modified: 0 }).fill("2", 0, 1);
    const other = Buffer.alloc(BLOCK_BYTES, "x");
    for (const header of [link, noNumber, huge, notSafe, flipped, other]) {
      expect(codeOf(() => parseMember(header))).toBe("CORRUPT");
    }
  });
});
