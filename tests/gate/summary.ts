/** What `bun test` says at its end. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  /** Tests that could not run here; `bun test` names each of them. */
  readonly skipped: number;
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
  return {
    passed: countOf("pass", counts),
    failed: countOf("fail", counts),
    skipped: countOf("skip", counts) + countOf("todo", counts),
  };
}

/** The last line of a run: what was skipped is mentioned only if there is any. */
export function summaryLine({ passed, failed, skipped }: Summary): string {
  const line = `${passed} passed, ${failed} failed`;
  return skipped === 0 ? line : `${line}, ${skipped} skipped`;
}

function countOf(word: string, counts: string): number {
  const match = new RegExp(`^ +(\\d+) ${word}$`, "m").exec(counts);
  return Number(match?.[1] ?? 0);
}
