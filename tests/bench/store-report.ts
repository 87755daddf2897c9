import { ENGINES } from "./engines/all.ts";
import { byteRateText, markdownTable, mebibyteText, rateText, timeText } from "./format.ts";
import { KEY_BYTES } from "./keys.ts";
import { REFERENCE, REFERENCE_RATES } from "./reference.ts";
import { type Configuration, describe } from "./runner.ts";
import { isOf, type Summary, YARDSTICK } from "./statistics.ts";
import { type BarGroup, renderBarChart } from "./svg.ts";
import { GROUPS } from "./works.ts";

const WORKS = new Map(GROUPS.flatMap(({ works }) => works.map((work) => [work.name, work])));

/** After these, memory tells something: a fill, and reads alone in a new process. */
const MEMORY_WORKS = ["fill-random", "get-reopened"];

/** What is said of one configuration: a text of Markdown, and the chart that it shows. */
export interface Section {
  readonly markdown: string;
  readonly chart: { readonly name: string; readonly svg: string };
}

/** One section for each configuration that was measured. */
export function renderStores(summaries: readonly Summary[]): Section[] {
  const configurations = new Map(
    summaries.map(({ keys, valueBytes }) => [`${keys}-keys-${valueBytes}-bytes`, { keys, valueBytes }]),
  );
  return [...configurations].map(([name, configuration]) =>
    renderStore(name, configuration, summaries.filter(isOf(configuration))),
  );
}

function renderStore(name: string, configuration: Configuration, summaries: readonly Summary[]): Section {
  const title = describe(configuration);
  const markdown = [
    `### ${title}`,
    `![Speeds, ${title}](benchmarks/${name}.svg)`,
    timeTable(summaries),
    ...memoryTable(summaries),
  ];
  const svg = renderBarChart({
    title,
    note: `Speed, the longest bar is the fastest. Shaded: ${REFERENCE}`,
    series: enginesIn(summaries),
    groups: distinct(summaries.map(({ work }) => work)).map((work) => barsOf(work, summaries)),
  });
  return { markdown: `${markdown.join("\n\n")}\n`, chart: { name: `${name}.svg`, svg } };
}

function barsOf(work: string, summaries: readonly Summary[]): BarGroup {
  const own = enginesIn(summaries).flatMap((engine) => find(summaries, work, engine) ?? []);
  const fastest = Math.max(...own.map(rateOf));
  const reference = REFERENCE_RATES[work];
  return {
    label: titleOf(work),
    bars: own.map((summary) => ({
      series: summary.engine,
      share: rateOf(summary) / fastest,
      text: rateText(rateOf(summary)),
    })),
    ...(reference === undefined
      ? {}
      : {
          band: { from: Math.min(1, reference.least / fastest), to: Math.min(1, reference.most / fastest) },
        }),
  };
}

function timeTable(summaries: readonly Summary[]): string {
  const engines = enginesIn(summaries);
  const rows = distinct(summaries.map(({ work }) => work)).map((work) => {
    const cells = engines.map((engine) => timeCell(find(summaries, work, engine)));
    return [titleOf(work), ...cells, referenceCell(work)];
  });
  return markdownTable(["", ...engines, REFERENCE], rows);
}

/** The time of an operation, and the speed as a part of a Map's. */
function timeCell(summary: Summary | undefined): string {
  if (summary === undefined) return "";
  const { engine, median, ratio, work, valueBytes } = summary;
  const time = timeText(median);
  if (WORKS.get(work)?.movesData === true)
    return `${time}, ${byteRateText((KEY_BYTES + valueBytes) / median)}`;
  return ratio === undefined || engine === YARDSTICK ? time : `${time} (${ratio.toFixed(2)})`;
}

function titleOf(work: string): string {
  return WORKS.get(work)?.title ?? work;
}

function referenceCell(work: string): string {
  const rates = REFERENCE_RATES[work];
  return rates === undefined ? "" : `${timeText(1e9 / rates.most)} to ${timeText(1e9 / rates.least)}`;
}

function memoryTable(summaries: readonly Summary[]): string[] {
  const engines = enginesIn(summaries);
  const works = MEMORY_WORKS.filter((work) => summaries.some((summary) => summary.work === work));
  if (works.length === 0) return [];
  const rows = works.map((work) => [
    titleOf(work),
    ...engines.map((engine) => memoryCell(find(summaries, work, engine))),
  ]);
  return [
    `Memory, MiB: peak of the process, of which now its own and mapped from files, and JavaScript's heap: its objects, without
the texts, buffers and mapped files that they refer to, which are a part of the other figures.`,
    markdownTable(["after", ...engines], rows),
  ];
}

function memoryCell(summary: Summary | undefined): string {
  if (summary === undefined) return "";
  const { peakBytes, anonymousBytes, mappedBytes, heapBytes } = summary.memory;
  const resident = `${mebibyteText(peakBytes)}: ${mebibyteText(anonymousBytes)} + ${mebibyteText(mappedBytes)}`;
  return `${peakBytes === undefined ? "" : `${resident}, `}heap ${mebibyteText(heapBytes)}`;
}

/** The engines that were measured, always in the same order. */
function enginesIn(summaries: readonly Summary[]): string[] {
  return ENGINES.map(({ name }) => name).filter((name) => summaries.some(({ engine }) => engine === name));
}

function find(summaries: readonly Summary[], work: string, engine: string): Summary | undefined {
  return summaries.find((summary) => summary.work === work && summary.engine === engine);
}

function rateOf({ median }: Summary): number {
  return 1e9 / median;
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
