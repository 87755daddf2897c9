/** What `bun test` says at its end. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
}

/**
 * Reads the summary out of what `bun test` printed on stderr. `undefined`
 * without a "Ran N tests" line: then the run was cut short, for example by a
 * test that called `process.exit(0)`, and its exit code says nothing.
 */
export function parseSummary(output: string): Summary | undefined {
  const summary = /(?:^|\n)(?<counts>(?: +\d+ .+\n)+)Ran \d+ tests? across .+\s*$/.exec(
    Bun.stripANSI(output),
  );
  const counts = summary?.groups?.["counts"];
  if (counts === undefined) return undefined;
  return { passed: countOf("pass", counts), failed: countOf("fail", counts) };
}

function countOf(word: string, counts: string): number {
  const match = new RegExp(`^ +(\\d+) ${word}$`, "m").exec(counts);
  return Number(match?.[1] ?? 0);
}
