import { Output } from "./output.ts";
import type { Settings } from "./settings.ts";
import { countOf } from "./numbers.ts";
import { STDERR, isTerminal } from "./terminal.ts";

/** Work that is done by then needs no bar. */
const QUIET_MS = 500;
const PAUSE_MS = 100;
const WIDTH = 30;
const CLEAR_LINE = "\r\x1b[K";

/** A bar on standard error, for work that takes a while. */
export interface Progress {
  /** How much is done, from 0 to 1. */
  update(done: number): void;
  /** How many records were done, where nobody knows of how many. */
  count(records: number): void;
  /** Takes the bar away. */
  end(): void;
}

/** No bar. */
export const SILENT: Progress = { update: () => undefined, count: () => undefined, end: () => undefined };

/** Starts a bar; none is ever shown but on a terminal, past half a second, and unless messages are silenced. */
export async function startProgress(what: string, settings: Pick<Settings, "quiet">): Promise<Progress> {
  if (settings.quiet || !(await isTerminal(STDERR))) return SILENT;
  const out = new Output(STDERR, "standard error");
  let next = performance.now() + QUIET_MS;
  let isShown = false;
  const show = (state: () => string): void => {
    const now = performance.now();
    if (now < next) return;
    next = now + PAUSE_MS;
    isShown = true;
    out.write(`${CLEAR_LINE}${what} ${state()}`);
    out.flush();
  };
  return {
    update: (done) => show(() => `${barOf(done)} ${Math.floor(done * 100)}%`),
    count: (records) => show(() => countOf(records, "record")),
    end: () => {
      if (!isShown) return;
      out.write(CLEAR_LINE);
      out.flush();
    },
  };
}

function barOf(done: number): string {
  const full = Math.round(Math.min(1, done) * WIDTH);
  return `${"█".repeat(full)}${"░".repeat(WIDTH - full)}`;
}
