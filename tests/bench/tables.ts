import { type Configuration, describe } from "./runner.ts";
import { isOf, type Summary } from "./statistics.ts";
import { GROUPS } from "./works.ts";

const TITLES = new Map(GROUPS.flatMap(({ works }) => works.map(({ name, title }) => [name, title])));
const BYTES_A_MIB = 2 ** 20;

/** The configurations that summaries are of, in their order. */
export function configurationsIn(summaries: readonly Summary[]): Configuration[] {
  const found = new Map(
    summaries.map(({ keys, valueBytes }) => [`${keys} ${valueBytes}`, { keys, valueBytes }]),
  );
  return [...found.values()];
}

/** One Markdown table a configuration: time an operation, and speed as a part of a Map's. */
export function renderTables(summaries: readonly Summary[]): string {
  return configurationsIn(summaries)
    .map((configuration) => {
      const own = summaries.filter(isOf(configuration));
      return `### ${describe(configuration)}\n\n${renderTable(own)}\n\n${renderMemory(own)}\n`;
    })
    .join("\n");
}

function renderTable(summaries: readonly Summary[]): string {
  return table(summaries, ({ median, ratio }) => {
    const share = ratio === undefined ? "" : ` (${ratio.toFixed(2)})`;
    return `${timeText(median)}${share}`;
  });
}

/** Peak, and JavaScript's heap, after each work. */
function renderMemory(summaries: readonly Summary[]): string {
  return table(summaries, ({ memory }) => `${mebibytes(memory.peakBytes)} / ${mebibytes(memory.heapBytes)}`);
}

function table(summaries: readonly Summary[], cellOf: (summary: Summary) => string): string {
  const engines = [...new Set(summaries.map(({ engine }) => engine))];
  const works = [...new Set(summaries.map(({ work }) => work))];
  const rows = works.map((work) => {
    const cells = engines.map((engine) => {
      const summary = summaries.find((candidate) => candidate.work === work && candidate.engine === engine);
      return summary === undefined ? "" : cellOf(summary);
    });
    return [TITLES.get(work) ?? work, ...cells];
  });
  return [["", ...engines], ["---", ...engines.map(() => "--:")], ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

/** A time of so many nanoseconds. */
function timeText(nanoseconds: number): string {
  if (nanoseconds < 1e4) return `${Math.round(nanoseconds)} ns`;
  if (nanoseconds < 1e7) return `${(nanoseconds / 1e3).toFixed(1)} us`;
  return `${(nanoseconds / 1e6).toFixed(1)} ms`;
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? "" : `${Math.round(bytes / BYTES_A_MIB)} MiB`;
}
