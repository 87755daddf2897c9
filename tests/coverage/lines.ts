import type { Gap } from "./gaps.ts";
import type { Source } from "./sources.ts";

export interface Lines {
  readonly gaps: readonly Gap[];
  readonly lines: { readonly found: number; readonly hit: number };
  readonly functions: { readonly found: number; readonly hit: number };
}

/** The part of an lcov file that is about one source; undefined where no test imported it. */
export function recordOf(lcov: string, file: string): string | undefined {
  return lcov.split("end_of_record").find((record) => record.includes(`\nSF:${file}\n`));
}

/** Which lines of a file nobody ran, those that follow one another as one gap. Of a file that no test imported, all. */
export function unrunLines(source: Source, lcov: string): Lines {
  const { file, text } = source;
  const code = text.split("\n");
  const record = recordOf(lcov, file);
  const none = { found: 0, hit: 0 };
  if (record === undefined && holdsTypesAlone(text)) return { gaps: [], lines: none, functions: none };
  if (record === undefined) {
    const gap = { file, code: "no test imports it", start: 0, end: text.length };
    return {
      gaps: [gap],
      lines: { found: code.filter((line) => !isNoCode(line)).length, hit: 0 },
      functions: none,
    };
  }
  const counts = countsOf(record).filter(([line]) => !isNoCode(code[line - 1] ?? ""));
  const unrun = counts.filter(([, count]) => count === 0).map(([line]) => line);
  return {
    gaps: runsOf(unrun, counts).map((lines) => gapOf(source, lines)),
    lines: { found: counts.length, hit: counts.length - unrun.length },
    functions: { found: numberIn(record, "FNF"), hit: numberIn(record, "FNH") },
  };
}

/** Bun leaves a file of types out: nothing of it is loaded. */
function holdsTypesAlone(text: string): boolean {
  const compiled = new Bun.Transpiler({ loader: "ts" }).transformSync(text);
  return compiled.split("\n").every(isNoCode);
}

/** Lines without one between them that was run. */
function runsOf(unrun: readonly number[], counts: readonly (readonly [number, number])[]): number[][] {
  const wasRun = counts.filter(([, count]) => count > 0).map(([line]) => line);
  const runs: number[][] = [];
  for (const line of unrun) {
    const before = runs.at(-1)?.at(-1);
    const isApart = before === undefined || wasRun.some((other) => before < other && other < line);
    if (isApart) runs.push([line]);
    else runs.at(-1)?.push(line);
  }
  return runs;
}

function gapOf({ file, text }: Source, lines: readonly number[]): Gap {
  const starts = lineStarts(text);
  const [first = 1] = lines;
  const last = lines.at(-1) ?? first;
  const code = text.split("\n")[first - 1] ?? "";
  const count = lines.length === 1 ? "not run" : `${lines.length} lines not run`;
  return {
    file,
    code: `${count}: ${code.trim()}`,
    start: (starts[first - 1] ?? 0) + code.length - code.trimStart().length,
    end: (starts[last] ?? text.length + 1) - 1,
  };
}

/** Bun counts some lines that do nothing: blank ones, comments, and brackets that close something. */
function isNoCode(line: string): boolean {
  return /^\s*(?:\/\/.*|\/?\*.*|[)\]};,]*)\s*$/.test(line);
}

function countsOf(record: string): [number, number][] {
  return [...record.matchAll(/^DA:(\d+),(\d+)/gm)].map(([, line, count]) => [Number(line), Number(count)]);
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (const { index } of text.matchAll(/\n/g)) starts.push(index + 1);
  return starts;
}

function numberIn(record: string | undefined, field: string): number {
  return Number(new RegExp(`^${field}:(\\d+)$`, "m").exec(record ?? "")?.[1] ?? 0);
}
