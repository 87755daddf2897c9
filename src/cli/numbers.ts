const UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;
const STEP = 1024;

/** Bytes for people: `512 B`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  if (Math.abs(bytes) < STEP) return `${bytes} B`;
  let rest = bytes;
  let unit = "B";
  for (const next of UNITS) {
    if (Math.abs(rest) < STEP) break;
    rest /= STEP;
    unit = next;
  }
  return `${rest.toFixed(1)} ${unit}`;
}

/** A number of things, by the regular plural of their name. */
export function countOf(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
