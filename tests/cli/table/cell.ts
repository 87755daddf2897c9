/** What every command is put through. `environment.ts` has how each comes about. */
export const CONDITIONS = [
  "success",
  "missing key",
  "bad usage",
  "unknown flag",
  "extra argument",
  "--",
  "hostile bytes",
  "closed stdout",
  "locked store",
  "corrupt store",
  "read-only directory",
  "no space",
] as const;

export type Condition = (typeof CONDITIONS)[number];

/** Keys and values of a store. */
export type Content = Readonly<Record<string, string>>;

/** What the store holds before each run. */
export const SEED: Content = { k: "v", n: "41" };

/**
 * One run: a line of bash, and all that must come of it. In the texts, `{store}`
 * stands for the store's whole path, and `{holder}` for the process that holds its
 * lock.
 */
export interface Run {
  readonly line: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What the store holds afterwards. A run that fails changes nothing, not even a byte of a log. */
  readonly content: Content;
}

/** A condition that a command cannot meet. */
export interface Impossible {
  readonly because: string;
}

export type Cell = readonly Run[] | Impossible;

/** A command under every condition. */
export interface Row {
  readonly command: string;
  readonly cells: Readonly<Record<Condition, Cell>>;
}

/** A run that succeeds, prints this and changes nothing. */
export function prints(line: string, stdout: string): Run {
  return { line, exitCode: 0, stdout, stderr: "", content: SEED };
}

/** A run that succeeds in silence and leaves the store with these keys more, or without those that are undefined. */
export function changes(line: string, change: Readonly<Record<string, string | undefined>>): Run {
  const content = Object.fromEntries(
    Object.entries({ ...SEED, ...change }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  return { line, exitCode: 0, stdout: "", stderr: "", content };
}

/** A run that ends with a message. */
export function fails(line: string, exitCode: number, message: string): Run {
  return { line, exitCode, stdout: "", stderr: `kvs: ${message}\n`, content: SEED };
}

/** A run that ends with a message and the command's usage. */
export function misuses(usage: string, line: string, message: string): Run {
  const [name = ""] = usage.split(" ", 1);
  const stderr = `kvs: ${message}\nUsage: kvs ${usage}\nMore: kvs help ${name}\n`;
  return { line, exitCode: 2, stdout: "", stderr, content: SEED };
}

export const BAD_HEX = '--key-hex is "f", expected pairs of hexadecimal digits';
export const NOT_UTF8 =
  "An argument is not UTF-8: give such a key with --key-hex HEX, such a value on standard input with -";
export const LOCKED = 'Cannot lock "./kvs_logs/LOCK": it was held by process {holder} for longer than 20 ms';
export const CORRUPT = 'Cannot read "./kvs_logs/1.log": a record fails its checksum at offset 72';
export const READ_ONLY = 'Cannot open "./kvs_logs/LOCK": permission denied';
export const TOO_LARGE = 'Cannot write to "./kvs_logs/1.log": the file-size limit is reached';
export const OUTPUT_FULL = "Cannot write standard output: no space left on device";
