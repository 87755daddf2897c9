import type { SystemCalls } from "./system-calls.ts";

/** An open file, and how it is reached. */
export interface OpenFile {
  readonly path: string;
  readonly fd: number;
  readonly calls: SystemCalls;
}
