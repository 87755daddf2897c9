import type { Gap } from "./gaps.ts";
import { instrument } from "./instrument.ts";
import type { Source } from "./sources.ts";

interface Position {
  /** From 1. */
  readonly line?: number;
  /** From 0. */
  readonly column?: number;
}

interface Range {
  readonly start: Position;
  readonly end: Position;
}

interface Branch {
  readonly type: string;
  readonly loc: Range;
  /** One for each way that it can go; without a position where an `if` has no `else`. */
  readonly locations: readonly Range[];
}

/** What istanbul counts of one file. */
export interface FileCoverage {
  readonly branchMap: Readonly<Record<string, Branch>>;
  /** How often each way of each branch was gone. */
  readonly b: Readonly<Record<string, readonly number[]>>;
  readonly fnMap: Readonly<Record<string, { readonly decl: Range; readonly loc: Range }>>;
  readonly f: Readonly<Record<string, number>>;
}

export type BranchCounts = Readonly<Record<string, FileCoverage>>;

/** A branch on nothing but a switch by which tests break the engine, in processes of their own. */
const SEEDED_BUG = /^(?:if \()?!?hasBug\("[^"]*"\)\s*[)?]/;

/** In `numbers[at] ?? 0` the compiler asks for what stands behind `??`: it does not know how long `numbers` is. */
const ELEMENT_BEFORE = /\]\s*\?\?\s*\(?$/;
const LITERAL = /^(?:\d+|""(?: as \w+)?)$/;

export interface Ways {
  readonly gaps: readonly Gap[];
  readonly found: number;
  readonly hit: number;
}

/** Which ways of the branches of a file nobody went. A file that no test imported went none. */
export function untakenBranches(source: Source, counts: BranchCounts): Ways {
  const { branchMap, b } = counts[source.path] ?? instrument(source.path, source.text).coverage;
  const at = offsets(source.text);
  const gaps: Gap[] = [];
  let found = 0;
  for (const [id, branch] of Object.entries(branchMap)) {
    const isSeededBug = SEEDED_BUG.test(source.text.slice(at(branch.loc.start), at(branch.loc.end)));
    for (const [way, range] of branch.locations.entries()) {
      if (isElementDefault(source.text, at(range.start), at(range.end))) continue;
      if (!isSeededBug) found += 1;
      if ((b[id]?.[way] ?? 0) === 0) gaps.push({ ...gapOf(source, branch, { way, range }, at), isSeededBug });
    }
  }
  return { gaps, found, hit: found - gaps.filter((gap) => gap.isSeededBug !== true).length };
}

/** Functions that nobody called. Only to say which lines belong together: Bun counts them, but does not name them. */
export function uncalledFunctions(source: Source, counts: BranchCounts): Ways {
  const { fnMap, f } = counts[source.path] ?? instrument(source.path, source.text).coverage;
  const at = offsets(source.text);
  const entries = Object.entries(fnMap);
  const gaps = entries
    .filter(([id]) => (f[id] ?? 0) === 0)
    .map(([, { decl, loc }]): Gap => {
      const start = at(decl.start);
      const code = lineAt(source.text, start);
      return {
        file: source.file,
        code: `uncalled: ${code}`,
        start: declarationStart(source.text, start),
        end: at(loc.end),
      };
    });
  return { gaps, found: entries.length, hit: entries.length - gaps.length };
}

/** With what stands before the name, as `export function`. */
function declarationStart(text: string, nameStart: number): number {
  return nameStart - (/[\w *]+$/.exec(text.slice(0, nameStart))?.[0].trimStart().length ?? 0);
}

function gapOf(
  { file, text }: Source,
  branch: Branch,
  { way, range }: { readonly way: number; readonly range: Range },
  at: (position: Position) => number,
): Gap {
  const start = at(branch.loc.start);
  const line = lineAt(text, start);
  if (branch.type !== "if") {
    const piece = { start: at(range.start), end: at(range.end) };
    return { file, code: `${oneLine(text.slice(piece.start, piece.end))} in: ${line}`, ...piece };
  }
  if (way === 1)
    return { file, code: `never false: ${line}`, start: at(branch.loc.end), end: at(branch.loc.end) };
  return { file, code: `never true: ${line}`, start, end: at(branch.loc.end) };
}

function isElementDefault(text: string, start: number, end: number): boolean {
  return ELEMENT_BEFORE.test(text.slice(0, start)) && LITERAL.test(text.slice(start, end));
}

function offsets(text: string): (position: Position) => number {
  const starts = [0];
  for (const { index } of text.matchAll(/\n/g)) starts.push(index + 1);
  return ({ line = 1, column = 0 }) => {
    const start = starts[line - 1] ?? text.length;
    // To the end of the line is, to istanbul, without end.
    const length = (starts[line] ?? text.length + 1) - 1 - start;
    return start + Math.min(column, length);
  };
}

function lineAt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  return text.slice(start, end === -1 ? text.length : end).trim();
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
