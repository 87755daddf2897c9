/** What is used of a package that has no types of its own. */
declare module "istanbul-lib-instrument" {
  import type { FileCoverage } from "./branches.ts";

  export interface InstrumenterOptions {
    readonly esModules: boolean;
    readonly parserPlugins: readonly string[];
    readonly coverageVariable: string;
    readonly coverageGlobalScope: string;
    readonly coverageGlobalScopeFunc: boolean;
  }

  export interface Instrumenter {
    instrumentSync(code: string, path: string): string;
    /** Of the file that was instrumented last, with nothing counted yet. */
    lastFileCoverage(): FileCoverage;
  }

  export function createInstrumenter(options: InstrumenterOptions): Instrumenter;
}
