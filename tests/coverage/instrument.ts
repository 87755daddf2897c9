import { createInstrumenter } from "istanbul-lib-instrument";
import type { FileCoverage } from "./branches.ts";

export interface Instrumented {
  /** The same program in TypeScript, which counts what it does. */
  readonly code: string;
  /** What it can do, nothing of it done yet. */
  readonly coverage: FileCoverage;
}

/** Where the counts of a run are: `globalThis[COUNTS]`, by path. */
export const COUNTS = "__coverage__";

/** Lets one file count its branches and functions. Positions are those of the file as it stands. */
export function instrument(path: string, source: string): Instrumented {
  const instrumenter = createInstrumenter({
    esModules: true,
    parserPlugins: ["typescript", "importAttributes", "explicitResourceManagement"],
    coverageVariable: COUNTS,
    coverageGlobalScope: "globalThis",
    coverageGlobalScopeFunc: false,
  });
  const code = instrumenter.instrumentSync(source, path);
  return { code, coverage: instrumenter.lastFileCoverage() };
}
