export interface Share {
  readonly found: number;
  readonly hit: number;
}

export interface Figures {
  readonly file: string;
  readonly lines: Share;
  readonly functions: Share;
  readonly branches: Share;
}

const METRICS = ["lines", "functions", "branches"] as const;

/** A line for each file of which something is not covered, and one for each folder. */
export function table(files: readonly Figures[]): string {
  const folders = Map.groupBy(files, ({ file }) => file.slice(0, file.lastIndexOf("/")));
  return [...folders]
    .flatMap(([folder, those]) => [...those.filter(isIncomplete), sum(folder, those)])
    .map((figures) => `${figures.file.padEnd(36)} ${METRICS.map((metric) => cell(figures[metric])).join("")}`)
    .join("\n");
}

/** The last line: everything together. */
export function totalLine(
  files: readonly Figures[],
  { exceptions, problems }: { readonly exceptions: number; readonly problems: number },
): string {
  const total = sum("all", files);
  const shares = METRICS.map((metric) => `${metric} ${cell(total[metric]).trim()}`).join(", ");
  return `${shares}; ${exceptions} exceptions, ${problems} problems`;
}

function isIncomplete(figures: Figures): boolean {
  return METRICS.some((metric) => figures[metric].hit < figures[metric].found);
}

function sum(file: string, all: readonly Figures[]): Figures {
  const of = (metric: (typeof METRICS)[number]): Share => ({
    found: all.reduce((total, figures) => total + figures[metric].found, 0),
    hit: all.reduce((total, figures) => total + figures[metric].hit, 0),
  });
  return { file, lines: of("lines"), functions: of("functions"), branches: of("branches") };
}

function cell({ found, hit }: Share): string {
  const percent = found === 0 ? 100 : Math.floor((1000 * hit) / found) / 10;
  return `${hit}/${found} (${percent}%)`.padStart(20);
}
