/** A closed interval of generation numbers, from 1; what a log's name says. */
export interface Interval {
  readonly first: number;
  readonly last: number;
}

/** The head of a log: whose it is, and what it replaces. */
export interface LogHeader extends Interval {
  /** Same in every log of one store: 16 bytes as 32 hex digits. */
  readonly storeId: string;
  /** Random, new for every log: 8 bytes as 16 hex digits. */
  readonly logId: string;
  /** Log ids of the generations that were merged into this one; empty for one that was written to. */
  readonly inputs: readonly string[];
}

/** What the start of a file turned out to be. */
export type ParsedHeader =
  | { readonly status: "header"; readonly header: LogHeader; readonly length: number }
  /** A file of another version of the format, otherwise sound. */
  | { readonly status: "version"; readonly version: number }
  | { readonly status: "incomplete"; readonly needed: number }
  | { readonly status: "damaged"; readonly reason: string };

/** The version of both log formats that this program writes. */
export const FORMAT_VERSION = 1;

/** True for intervals a log may have: whole numbers, 1 <= first <= last. */
export function isInterval(first: number, last: number): boolean {
  return Number.isSafeInteger(first) && Number.isSafeInteger(last) && first >= 1 && first <= last;
}
