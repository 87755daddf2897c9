import { UsageError } from "./failures.ts";

const MILLISECONDS: Readonly<Record<string, number | undefined>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Parses `500ms`, `10s`, `5m`, `2h` or `7d` into milliseconds. `name` says in the error where it stood. */
export function parseDuration(text: string, name: string): number {
  // No regular expression: compiling this one would take a fast command half as long as its own work.
  let digits = 0;
  while (isDigit(text.charCodeAt(digits))) digits += 1;
  const ms = Number(text.slice(0, digits)) * (MILLISECONDS[text.slice(digits)] ?? Number.NaN);
  if (digits === 0 || Number.isNaN(ms)) {
    throw new UsageError(`${name} is "${text}", expected a duration such as 500ms, 10s, 5m, 2h or 7d`);
  }
  if (!Number.isSafeInteger(ms)) throw tooLong(text, name);
  return ms;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Like `parseDuration`, for a time to live, which is never zero. */
export function parseTtl(text: string, name: string): number {
  const ms = parseDuration(text, name);
  if (ms === 0) throw new UsageError(`${name} is "${text}", expected a longer duration`);
  if (!Number.isSafeInteger(Date.now() + ms)) throw tooLong(text, name);
  return ms;
}

function tooLong(text: string, name: string): UsageError {
  return new UsageError(`${name} is "${text}", expected a shorter duration`);
}
