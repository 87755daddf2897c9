/** Numbers as people read them. */

const BYTES_A_MIB = 2 ** 20;

export function timeText(nanoseconds: number): string {
  if (nanoseconds < 1e4) return `${Math.round(nanoseconds)} ns`;
  if (nanoseconds < 1e7) return `${(nanoseconds / 1e3).toFixed(1)} µs`;
  return `${(nanoseconds / 1e6).toFixed(1)} ms`;
}

/** Operations a second. */
export function rateText(rate: number): string {
  if (rate >= 1e6) return `${(rate / 1e6).toFixed(2)} M/s`;
  if (rate >= 1e3) return `${(rate / 1e3).toFixed(rate >= 1e5 ? 0 : 1)} k/s`;
  return `${rate.toFixed(1)} /s`;
}

/** Bytes a nanosecond, which are gigabytes a second. */
export function byteRateText(rate: number): string {
  return `${Math.round(rate * 1e3)} MB/s`;
}

export function mebibyteText(bytes: number | undefined): string {
  return bytes === undefined ? "" : String(Math.round(bytes / BYTES_A_MIB));
}

/** A table of Markdown, numbers to the right. */
export function markdownTable(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = head.map((_, index) => (index === 0 ? "---" : "--:"));
  return [head, line, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
