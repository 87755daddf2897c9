/** What one run of a campaign came to. */
export interface Outcome {
  readonly cases: number;
  /** A sentence each. */
  readonly failures: readonly string[];
}

/** A test that can go on for ever: each seed is another run, the same every time. */
export interface Campaign {
  readonly name: string;
  /** The number it has in docs/reliability.md. */
  readonly test: number;
  /** Which invariants, and how. */
  readonly shows: string;
  /** What is counted. */
  readonly unit: string;
  /** How many runs there are; undefined where there is no end to them. */
  readonly runs?: number;
  /** How many cases make it full. */
  readonly full: number;
  run(seed: number): Promise<Outcome>;
}
