import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENGINES } from "./engines/all.ts";
import { markdownTable } from "./format.ts";
import { PROGRAMS } from "./programs/all.ts";
import { ACT_TITLES } from "./programs/program.ts";
import type { ProgramSummary } from "./programs/runner.ts";
import type { Measurement } from "./runner.ts";
import type { Summary } from "./statistics.ts";
import { renderStores, type Section } from "./store-report.ts";
import { SLICE } from "./works.ts";

/** Everything that was measured, as `results.json` holds it. */
export interface Results {
  readonly machine: string;
  readonly date: string;
  readonly version: string;
  readonly rounds: number;
  readonly summaries: readonly Summary[];
  readonly programs: readonly ProgramSummary[];
  readonly measurements: readonly Measurement[];
}

/** Writes `benchmarks.md`, and the charts and the data beside it; returns the text. */
export function writeReport(output: string, results: Results): string {
  const sections = renderStores(results.summaries);
  const text = render(results, sections);
  const directory = join(output, "benchmarks");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const { chart } of sections) writeFileSync(join(directory, chart.name), chart.svg);
  writeFileSync(join(directory, "results.json"), `${JSON.stringify(results, undefined, 1)}\n`);
  writeFileSync(join(output, "benchmarks.md"), text);
  return text;
}

function render(results: Results, sections: readonly Section[]): string {
  const parts = [
    "# Benchmarks",
    `kvs ${results.version}, measured by \`npm run bench\` on ${results.date}: ${results.machine}.`,
    HOW_STORES,
    engineList(results),
    ...sections.map(({ markdown }) => markdown.trimEnd()),
    ...(results.programs.length === 0
      ? []
      : [HOW_PROGRAMS, programList(results), programTable(results.programs)]),
  ];
  return `${parts.join("\n\n")}\n`;
}

const HOW_STORES: string = `## As a library

The time of one operation, and in brackets the speed as a part of a Map's (1 is as fast, 2 is twice as fast). Each engine
runs in a process of its own; they take turns work by work, and stand still when it is not theirs. Figures are medians
over the rounds, ratios medians of the ratios round by round. All engines get the same keys of 15 bytes and the same
values, in the same order, and building them is part of the time. Every engine has handed its writes to the operating
system after each ${SLICE.toLocaleString("en")} operations; the durable works wait until each write is on the disk. Skewed means that keys are
drawn by Zipf's law with the exponent 0.99.`;

const HOW_PROGRAMS: string = `## As a command

Milliseconds of a whole process, start and end included, and in brackets the time as a multiple of that of a compiled
program which prints one line: medians over the runs, in turns.`;

function engineList({ summaries }: Results): string {
  return list(ENGINES.filter(({ name }) => summaries.some(({ engine }) => engine === name)));
}

function programList({ programs }: Results): string {
  return list(PROGRAMS.filter(({ name }) => programs.some(({ program }) => program === name)));
}

function list(kinds: ReadonlyArray<{ readonly name: string; readonly description: string }>): string {
  return kinds.map(({ name, description }) => `- **${name}**: ${description}`).join("\n");
}

function programTable(summaries: readonly ProgramSummary[]): string {
  const programs = [...new Set(summaries.map(({ program }) => program))];
  const rows = Map.groupBy(summaries, ({ act, keys }) => `${ACT_TITLES[act]}; ${keysText(keys)}`);
  return markdownTable(
    ["", ...programs],
    [...rows].map(([title, cells]) => [
      title,
      ...programs.map((program) => programCell(cells.find((cell) => cell.program === program))),
    ]),
  );
}

function programCell(summary: ProgramSummary | undefined): string {
  return summary === undefined ? "" : `${summary.median.toFixed(2)} (${summary.ratio.toFixed(2)})`;
}

function keysText(keys: number): string {
  return keys === 1 ? "1 key" : `${keys.toLocaleString("en")} keys`;
}
