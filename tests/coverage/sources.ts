import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** The engine, with all below it, and what it shows to users. */
const COVERED_FILES = "src/{format,disk,engine}/**/*.ts";
export const COVERED_PATHS: RegExp = /\/src\/(?:(?:format|disk|engine)\/.+|index)\.ts$/;

export interface Source {
  /** From the root of the project. */
  readonly file: string;
  readonly path: string;
  readonly text: string;
}

/** Every file that must be covered, whether a test imports it or not. */
export function coveredSources(): Source[] {
  const files = [...new Bun.Glob(COVERED_FILES).scanSync(ROOT), "src/index.ts"].toSorted();
  return files.map((file) => {
    const path = resolve(ROOT, file);
    return { file, path, text: readFileSync(path, "utf8") };
  });
}
