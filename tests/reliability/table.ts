import { readFileSync, writeFileSync } from "node:fs";
import { bugTable } from "./bug-table.ts";
import type { Campaign } from "./campaign.ts";
import type { CampaignRecord } from "./record.ts";

export interface Row {
  readonly campaign: Campaign;
  /** Undefined where nothing was tried. */
  readonly record: CampaignRecord | undefined;
}

const DOCUMENT = "docs/reliability.md";

/** What was tried, a line a campaign. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ campaign, record }) => [
    String(campaign.test),
    campaign.name,
    record === undefined ? "none yet" : `${grouped(record.cases)} ${campaign.unit}`,
    String(record?.failed.length ?? 0),
    seedsOf(record),
    `${grouped(Math.round(record?.seconds ?? 0))} s`,
  ]);
  const all = [["test", "name", "tried", "failures", "seeds", "time"], ...lines];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0))) ?? [];
  return all
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Puts the figures into the document, and the seeded bugs, in the place of the last ones. */
export function writeDocument(rows: readonly Row[]): void {
  const text = replacePart(readFileSync(DOCUMENT, "utf8"), "figures", figuresOf(rows));
  writeFileSync(DOCUMENT, replacePart(text, "seeded bugs", bugTable()));
}

/** Puts something between the comments that mark the beginning and the end of a part. */
function replacePart(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`];
  const [before, after] = [text.indexOf(begin), text.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`${DOCUMENT} has no place for the ${name}`);
  return text.slice(0, before + begin.length) + content + text.slice(after);
}

function figuresOf(rows: readonly Row[]): string {
  const lines = rows.map(({ campaign, record }) => {
    const { test, name, full, unit } = campaign;
    if (record === undefined)
      return `| ${test} | \`${name}\` | none yet | ${grouped(full)} ${unit} | | | | |`;
    const { cases, failed, seconds, commit, date } = record;
    const tried = `${grouped(cases)} ${unit}`;
    const time = seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
    return `| ${test} | \`${name}\` | ${tried} | ${grouped(full)} | ${failed.length} | ${seedsOf(record)} | ${time} | ${date}, ${commit} |`;
  });
  const head =
    "| test | campaign | tried | full | failures | seeds | time | date, commit |\n|---|---|---|---|---|---|---|---|\n";
  return `${head}${lines.join("\n")}\n`;
}

function seedsOf(record: CampaignRecord | undefined): string {
  if (record === undefined || record.nextSeed === record.firstSeed) return "";
  return `${record.firstSeed} to ${record.nextSeed - 1}`;
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
