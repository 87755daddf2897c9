/** Operations a second. */
export interface Rates {
  readonly least: number;
  readonly most: number;
}

const WRITES: Rates = { least: 20_000, most: 50_000 };
const READS: Rates = { least: 100_000, most: 500_000 };
const MIXED: Rates = { least: 50_000, most: 100_000 };

/** How the report calls the figures below. */
export const REFERENCE = "kvs in Rust, by its README";

/** What the README of the kvs written in Rust says that it reaches, on a machine that it does not name. */
export const REFERENCE_RATES: Readonly<Record<string, Rates>> = {
  "fill-random": WRITES,
  "fill-sorted": WRITES,
  overwrite: WRITES,
  get: READS,
  mixed: MIXED,
};
