import type { GenerationStats, StoreStats } from "../engine/stats.ts";
import { formatBytes } from "./numbers.ts";

export interface StatsStyle {
  readonly bars: boolean;
  readonly color: boolean;
}

const BAR_WIDTH = 24;
const GREEN = "\x1b[32m";
const YELLOW = "\x1b[33m";
const RESET = "\x1b[39m";

/** Statistics for people. */
export function renderStats(stats: StoreStats, style: StatsStyle): string {
  const torn = `${stats.tornTailsCut} cut, ${formatBytes(stats.tornTailBytes)} to be cut by the next write`;
  const facts = [
    ["store", `${stats.directory} (${stats.format})`],
    ["keys", String(stats.keys)],
    ["disk", formatBytes(stats.diskBytes)],
    ["live", formatBytes(stats.liveBytes)],
    ["stale", formatBytes(stats.staleBytes)],
    ["torn tails", torn],
    ["compaction", describeDue(stats)],
  ];
  const largest = Math.max(1, ...stats.generations.map(({ bytes }) => bytes));
  const generations = [
    ["generation", "state", "format", "records", "size", "live", "stale"],
    ...stats.generations.map((generation) => row(generation, largest, style)),
  ];
  return `${table(facts)}\n${table(generations)}`;
}

function describeDue({ compactionDue, rotationsPostponed }: StoreStats): string {
  const waited = rotationsPostponed === 0 ? "" : `, ${rotationsPostponed} logs had to wait for it`;
  if (compactionDue === null) return `none due${waited}`;
  const { rule, generations } = compactionDue;
  const reason = rule === "garbage" ? "too much is stale" : "many are of similar size";
  return `due: ${generations} generations, ${reason}${waited}`;
}

function row(generation: GenerationStats, largest: number, style: StatsStyle): string[] {
  const { name, sealed, format, records, bytes, liveBytes, staleBytes } = generation;
  const sizes = [bytes, liveBytes, staleBytes].map(formatBytes);
  const cells = [name, sealed ? "sealed" : "active", format, String(records), ...sizes];
  return style.bars ? [...cells, bar(generation, largest, style)] : cells;
}

/** A bar as long as the generation is large beside the largest one: live bytes, then stale ones. */
function bar({ bytes, liveBytes }: GenerationStats, largest: number, { color }: StatsStyle): string {
  const whole = Math.min(BAR_WIDTH, Math.ceil((bytes / largest) * BAR_WIDTH));
  const live = Math.min(whole, Math.round((liveBytes / largest) * BAR_WIDTH));
  const [green, yellow, reset] = color ? [GREEN, YELLOW, RESET] : ["", "", ""];
  return `${green}${"█".repeat(live)}${yellow}${"░".repeat(whole - live)}${reset}`;
}

function table(rows: ReadonlyArray<readonly string[]>): string {
  const widths: number[] = [];
  for (const cells of rows) {
    for (const [column, cell] of cells.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}
