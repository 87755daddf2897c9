/** A piece of source that no test has run, or a way that none has gone. */
export interface Gap {
  /** From the root of the project. */
  readonly file: string;
  /** What it is, in words and by its source. */
  readonly code: string;
  /** Where it stands, in characters. */
  readonly start: number;
  readonly end: number;
  /** Done only where a test breaks the engine on purpose, in a process of its own; so is all inside it. */
  readonly isSeededBug?: boolean;
}

/** A gap that is meant to be there. It is named by its source: a number of a line would move with every edit. */
export interface Exception {
  readonly file: string;
  readonly code: string;
  readonly reason: string;
  /** How many gaps of this file look like this. Default 1. */
  readonly times?: number;
}

/** Leaves out what lies inside another gap: whoever fills or excuses that one, fills or excuses this. */
export function outermost(gaps: readonly Gap[]): Gap[] {
  return gaps.filter(
    (gap, index) =>
      !gaps.some(
        (other, at) => at !== index && contains(other, gap) && (!contains(gap, other) || at < index),
      ),
  );
}

function contains(outer: Gap, inner: Gap): boolean {
  return outer.file === inner.file && outer.start <= inner.start && inner.end <= outer.end;
}

/** What is wrong: gaps without an exception, and exceptions without their gaps. Nothing where all is covered. */
export function judge(gaps: readonly Gap[], exceptions: readonly Exception[]): string[] {
  const open = Map.groupBy(gaps, nameOf);
  const problems: string[] = [];
  for (const exception of exceptions) {
    const name = nameOf(exception);
    const { times = 1 } = exception;
    const found = open.get(name)?.length ?? 0;
    open.delete(name);
    if (found < times) problems.push(`Outdated exception, found ${found} of ${times}: ${name}`);
    if (found > times) problems.push(`Not covered, ${found} of which ${times} excepted: ${name}`);
  }
  return [...problems, ...[...open.keys()].map((name) => `Not covered: ${name}`)];
}

function nameOf({ file, code }: { readonly file: string; readonly code: string }): string {
  return `${file}: ${code}`;
}
