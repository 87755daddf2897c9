const ESCAPED = /[\0\t\n\r\\]/;
const EACH_ESCAPED = /[\0\t\n\r\\]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  "\0": "\\x00",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
  "\\": "\\\\",
};

/**
 * Escapes a field as `list` does, and NUL too, which no variable of a shell can
 * hold. Text here is bytes, a character each: an expression looks through them
 * faster than a loop.
 */
export function escapeField(text: string): string {
  return ESCAPED.test(text) ? text.replace(EACH_ESCAPED, (character) => ESCAPES[character] ?? "") : text;
}
