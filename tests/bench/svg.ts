/** One bar: its length is `share` of the longest in its group. */
export interface Bar {
  readonly series: string;
  readonly share: number;
  readonly text: string;
}

/** Bars that are compared with one another, and an interval that they are held against. */
export interface BarGroup {
  readonly label: string;
  readonly bars: readonly Bar[];
  readonly band?: { readonly from: number; readonly to: number };
}

export interface BarChart {
  readonly title: string;
  readonly note: string;
  readonly groups: readonly BarGroup[];
  /** In the order of the colours. */
  readonly series: readonly string[];
}

const COLOURS = ["#8a94a6", "#1f6feb", "#d9822b", "#2e8b57", "#9b59b6", "#c0392b"];
const BAND_COLOUR = "#f3d9a4";
const WIDTH = 880;
const LABEL_WIDTH = 230;
const BAR_WIDTH = 520;
const BAR_HEIGHT = 13;
const BAR_PITCH = 15;
const GROUP_GAP = 12;
const TOP = 78;
const FONT = 'font-family="system-ui, sans-serif"';

/** Draws horizontal bars as a file of its own, readable on a dark page as well. */
export function renderBarChart({ title, note, groups, series }: BarChart): string {
  let y = TOP;
  const body: string[] = [];
  for (const group of groups) {
    body.push(...renderGroup(group, series, y));
    y += group.bars.length * BAR_PITCH + GROUP_GAP;
  }
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" ${FONT}>`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>`,
    text({ x: 16, y: 26, size: 16, content: title, weight: "bold" }),
    text({ x: 16, y: 44, size: 11, content: note }),
    ...renderLegend(series),
    ...body,
    "</svg>",
  ].join("\n")}\n`;
}

function renderLegend(series: readonly string[]): string[] {
  let x = 16;
  return series.flatMap((name) => {
    const at = x;
    x += 40 + name.length * 7;
    return [
      `<rect x="${at}" y="54" width="12" height="12" fill="${colourOf(name, series)}"/>`,
      text({ x: at + 17, y: 64, size: 11, content: name }),
    ];
  });
}

function renderGroup({ label, bars, band }: BarGroup, series: readonly string[], y: number): string[] {
  const height = bars.length * BAR_PITCH;
  const shapes: string[] = [];
  if (band !== undefined) {
    const x = LABEL_WIDTH + band.from * BAR_WIDTH;
    const width = Math.max(2, (band.to - band.from) * BAR_WIDTH);
    shapes.push(
      `<rect x="${round(x)}" y="${y - 2}" width="${round(width)}" height="${height + 2}" fill="${BAND_COLOUR}"/>`,
    );
  }
  shapes.push(text({ x: LABEL_WIDTH - 10, y: y + height / 2 + 3, size: 12, content: label, anchor: "end" }));
  for (const [index, { series: name, share, text: content }] of bars.entries()) {
    const top = y + index * BAR_PITCH;
    const width = Math.max(1, share * BAR_WIDTH);
    const fill = colourOf(name, series);
    shapes.push(
      `<rect x="${LABEL_WIDTH}" y="${top}" width="${round(width)}" height="${BAR_HEIGHT}" fill="${fill}"/>`,
      text({ x: LABEL_WIDTH + width + 6, y: top + 10, size: 10, content }),
    );
  }
  return shapes;
}

interface Text {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly content: string;
  readonly anchor?: "end";
  readonly weight?: "bold";
}

function text({ x, y, size, content, anchor, weight }: Text): string {
  const attributes = [
    `x="${round(x)}" y="${round(y)}" font-size="${size}" fill="#1f2328"`,
    ...(anchor === undefined ? [] : [`text-anchor="${anchor}"`]),
    ...(weight === undefined ? [] : [`font-weight="${weight}"`]),
  ];
  return `<text ${attributes.join(" ")}>${escape(content)}</text>`;
}

function colourOf(name: string, series: readonly string[]): string {
  return COLOURS[series.indexOf(name) % COLOURS.length] ?? "#000000";
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
