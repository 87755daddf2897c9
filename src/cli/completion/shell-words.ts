/*
 * Words as a shell splits them: at blanks, with backslashes, 'single' and
 * "double" quotes. Nothing is ever expanded; a word that a shell would expand is
 * marked, because its value is not known here.
 */

/** How the cursor stands: in no quote, or in one that is still open. */
export type Quote = "" | "'" | '"';

export interface Word {
  readonly text: string;
  /** It holds what a shell would replace: `$x`, `$(..)`, backticks, patterns, braces. */
  readonly expands: boolean;
}

/** The word at the end of the line, which may be empty. */
export interface OpenWord extends Word {
  readonly quote: Quote;
  /** How much of `text` stands before what readline replaces: up to the last break, or the open quote. */
  readonly kept: number;
  /** How many characters of the line the word takes, quotes and backslashes included; and how many of them are kept. */
  readonly rawLength: number;
  readonly keptRawLength: number;
}

export interface SplitLine {
  readonly words: readonly Word[];
  readonly current: OpenWord;
  /** Whether when the word at the end is the file of a redirection. */
  readonly isRedirected: boolean;
}

const BLANK = /[ \t\n]/;
const EXPANDED = /[$`*?[\]{}!]/;
const EXPANDED_IN_QUOTES = /[$`!]/;
const ESCAPED_IN_QUOTES = /[$`"\\]/;
const DIGITS = /^\d+$/;
const OPERATOR = /[<>|&;()]/;

/** What is special in a line besides blanks, backslashes and quotes. */
export interface Syntax {
  /** Characters at which the line's editor starts a new word as well. */
  readonly breaks: string;
  /** Whether `<`, `>` and the like end a word; else they are letters. */
  readonly operators: boolean;
}

/** Splits a line up to the cursor. */
export function splitWords(line: string, syntax: Syntax): SplitLine {
  const splitter = new WordSplitter(syntax);
  for (let at = 0; at < line.length;) at += splitter.take(line, at);
  return splitter.finish();
}

class WordSplitter {
  readonly #syntax: Syntax;
  readonly #words: Word[] = [];
  #text = "";
  #begun = false;
  #expands = false;
  #quote: Quote = "";
  #kept = 0;
  #rawLength = 0;
  #keptRawLength = 0;
  #isRedirected = false;

  constructor(syntax: Syntax) {
    this.#syntax = syntax;
  }

  /** Takes in the next character, or two where a backslash is the first; how many. */
  take(line: string, at: number): number {
    const character = String.fromCodePoint(line.codePointAt(at) ?? 0);
    if (this.#quote === "" && BLANK.test(character)) {
      this.#endWord();
      return character.length;
    }
    const taken =
      this.#quote === "" ? this.#takePlain(line, at, character) : this.#takeQuoted(line, at, character);
    this.#rawLength += taken;
    return taken;
  }

  finish(): SplitLine {
    const current = {
      text: this.#text,
      expands: this.#expands,
      quote: this.#quote,
      kept: this.#kept,
      rawLength: this.#rawLength,
      keptRawLength: this.#keptRawLength,
    };
    return { words: this.#words, current, isRedirected: this.#isRedirected };
  }

  #takePlain(line: string, at: number, character: string): number {
    if (this.#syntax.operators && OPERATOR.test(character)) {
      this.#takeOperator();
      return 1;
    }
    this.#begun = true;
    if (character === "\\") return this.#takeEscaped(line, at);
    if (character === "'" || character === '"') {
      this.#quote = character;
      this.#keepAll();
      return 1;
    }
    this.#expands ||= EXPANDED.test(character);
    this.#text += character;
    if (this.#syntax.breaks.includes(character)) this.#keepAll();
    return character.length;
  }

  #takeQuoted(line: string, at: number, character: string): number {
    if (character === this.#quote) {
      this.#quote = "";
      this.#keepAll();
      return 1;
    }
    if (this.#quote === '"') {
      if (character === "\\" && ESCAPED_IN_QUOTES.test(line[at + 1] ?? ""))
        return this.#takeEscaped(line, at);
      this.#expands ||= EXPANDED_IN_QUOTES.test(character);
    }
    this.#text += character;
    return character.length;
  }

  /** What was typed so far, with the character being taken, stays as it is. */
  #keepAll(): void {
    this.#kept = this.#text.length;
    this.#keptRawLength = this.#rawLength + 1;
  }

  #takeEscaped(line: string, at: number): number {
    const next = line.codePointAt(at + 1);
    const escaped = next === undefined ? "" : String.fromCodePoint(next);
    this.#text += escaped;
    return 1 + escaped.length;
  }

  /** What follows `<` or `>` is a file, and a number right before it no operand. */
  #takeOperator(): void {
    const isDescriptor = DIGITS.test(this.#text) && this.#rawLength === this.#text.length;
    if (isDescriptor) this.#begun = false;
    this.#endWord();
    this.#isRedirected = true;
  }

  #endWord(): void {
    if (this.#begun && !this.#isRedirected) this.#words.push({ text: this.#text, expands: this.#expands });
    if (this.#begun) this.#isRedirected = false;
    this.#text = "";
    this.#begun = false;
    this.#expands = false;
    this.#kept = 0;
    this.#rawLength = 0;
    this.#keptRawLength = 0;
  }
}

const UNSAFE = /[^A-Za-z0-9_@%+=:,./\-\u00a1-\u{10ffff}]/gu;

/**
 * Writes text so that a shell reads it back as it is, where it stands in this
 * quote; undefined where that cannot be done. Control characters are not for here.
 */
export function quoteText(text: string, quote: Quote): string | undefined {
  if (quote === "'") return text.includes("'") ? undefined : text;
  // Between double quotes nothing keeps an interactive bash from expanding an exclamation mark.
  if (quote === '"') return text.includes("!") ? undefined : text.replace(/[$`"\\]/g, "\\$&");
  return text.replace(UNSAFE, "\\$&");
}
