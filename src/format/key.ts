import { latin1Of } from "./bytes.ts";
import { KvsError } from "./errors.ts";
import { MAX_KEY_BYTES } from "./limits.ts";

/**
 * A key's bytes as a string with one character (U+0000..U+00FF) a byte. Such
 * strings compare, with `<`, in the bytewise order of the keys, serve as Map
 * keys, and are the key itself where it is ASCII.
 */
export type EncodedKey = string & { readonly __encodedKey: unique symbol };

const LAST_ASCII = 0x7f;
let strictUtf8: TextDecoder | undefined;

/** Encodes a key, or throws `INVALID_ARGUMENT` when it is over the limit or not well-formed. */
export function encodeKey(key: string | Uint8Array): EncodedKey {
  const encoded = typeof key === "string" ? encodeText(key) : encodeBytes(key);
  if (encoded.length > MAX_KEY_BYTES) {
    throw new KvsError(
      "INVALID_ARGUMENT",
      `Cannot use key: it is ${encoded.length} bytes, at most ${MAX_KEY_BYTES} are possible`,
    );
  }
  return encoded as EncodedKey;
}

/** The key as text, or undefined when its bytes are not UTF-8. */
export function decodeKey(key: EncodedKey): string | undefined {
  return isAscii(key) ? key : decodeUtf8(keyBytes(key));
}

/** The key's bytes, in a fresh array. */
export function keyBytes(key: EncodedKey): Buffer {
  return Buffer.from(key, "latin1");
}

/** The text of UTF-8 bytes, a leading byte order mark kept, or undefined when they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  strictUtf8 ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A loop, not a regular expression: keys are short, and compiling one takes a short process longer than all its keys. */
function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > LAST_ASCII) return false;
  return true;
}

function encodeText(key: string): string {
  if (isAscii(key)) return key;
  if (!key.isWellFormed()) {
    throw new KvsError(
      "INVALID_ARGUMENT",
      `Cannot use key ${JSON.stringify(key)}: it holds a lone surrogate`,
    );
  }
  return Buffer.from(key, "utf8").latin1Slice();
}

function encodeBytes(key: Uint8Array): string {
  if (!(key instanceof Uint8Array)) {
    throw new KvsError(
      "INVALID_ARGUMENT",
      `Cannot use key: it is a ${typeof key}, expected a string or a Uint8Array`,
    );
  }
  return latin1Of(key);
}

/** Bytewise order. */
export function compareKeys(a: EncodedKey, b: EncodedKey): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
