const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
const ZERO = 0x30;
const HEX: Buffer = Buffer.from("0123456789abcdef");

/** The first byte of the characters from U+0080 to U+00BF. */
const LATIN1_LEAD = 0xc2;
const LAST_C1 = 0x9f;

/** The most bytes that come of one: `\u001b`. */
export const MOST_BYTES_OF_ONE = 6;

/** What stands behind the backslash for each byte that has one; 0 for those that stand for themselves. */
const ESCAPES: Uint8Array = buildEscapes();

/**
 * Writes UTF-8 as it stands in a JSON string, without the quotes, and no control
 * character among it; where that ends. One pass over the bytes, which makes no text of them.
 */
export function writeEscaped(from: Uint8Array, into: Buffer, start: number): number {
  let end = start;
  for (let at = 0; at < from.length; at += 1) {
    const byte = from[at] ?? 0;
    const escape = ESCAPES[byte] ?? 0;
    if (escape === 0) into[end++] = byte;
    else if (byte !== LATIN1_LEAD) end = writeEscape(byte, escape, into, end);
    else {
      at += 1;
      const second = from[at] ?? 0;
      if (second <= LAST_C1) end = writeEscape(second, LOWER_U, into, end);
      else {
        into[end++] = byte;
        into[end++] = second;
      }
    }
  }
  return end;
}

function writeEscape(character: number, escape: number, into: Buffer, at: number): number {
  into[at] = BACKSLASH;
  into[at + 1] = escape;
  if (escape !== LOWER_U) return at + 2;
  into[at + 2] = ZERO;
  into[at + 3] = ZERO;
  into[at + 4] = HEX[character >> 4] ?? 0;
  into[at + 5] = HEX[character & 15] ?? 0;
  return at + MOST_BYTES_OF_ONE;
}

/** As JavaScript writes them, and DEL and the controls above it, which that leaves as they are. */
function buildEscapes(): Uint8Array {
  const escapes = new Uint8Array(256);
  for (let byte = 0; byte < 0x80; byte += 1) {
    const [, first = "", second = ""] = JSON.stringify(String.fromCharCode(byte));
    if (first === "\\") escapes[byte] = second.charCodeAt(0);
  }
  escapes[0x7f] = LOWER_U;
  escapes[LATIN1_LEAD] = LOWER_U;
  return escapes;
}
