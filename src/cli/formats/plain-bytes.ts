const ONES = 0x01010101;
const SPACES = 0x20202020;
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;
const HIGH_BITS = 0x80808080 | 0;

/**
 * Whether bytes stand for themselves in JSON: ASCII without quotes, backslashes and
 * controls, DEL included. Four at a time, each sum setting the highest bit of a byte
 * that is not what it should be: as long as there is none, nothing is carried from one
 * byte to the next. Takes half the time of a regular expression, and no text.
 */
export function arePlain(bytes: Buffer, start: number, end: number): boolean {
  const view = viewOf(bytes);
  let flaws = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    flaws |=
      word | (word - SPACES) | ((word ^ QUOTES) - ONES) | ((word ^ BACKSLASHES) - ONES) | (word + ONES);
  }
  if ((flaws & HIGH_BITS) !== 0) return false;
  for (; at < end; at += 1) if (!isPlain(bytes[at] ?? 0)) return false;
  return true;
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
}

let viewed: Buffer | undefined;
let view: DataView = new DataView(new ArrayBuffer());

/** The buffer is mostly the same. */
function viewOf(bytes: Buffer): DataView {
  if (bytes === viewed) return view;
  viewed = bytes;
  view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view;
}
