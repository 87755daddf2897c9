/**
 * Loaded before the tests of the run that counts branches: `bun test` itself
 * counts lines and functions only. The counts are written where
 * `KVS_BRANCH_COUNTS` says, after the last test.
 */
import { afterAll } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { COUNTS, instrument } from "./instrument.ts";
import { COVERED_PATHS } from "./sources.ts";

const output = process.env["KVS_BRANCH_COUNTS"];

if (output !== undefined) {
  Bun.plugin({
    name: "count branches",
    setup: (build) => {
      build.onLoad({ filter: COVERED_PATHS }, ({ path }) => ({
        contents: instrument(path, readFileSync(path, "utf8")).code,
        loader: "ts",
      }));
    },
  });
  afterAll(() => writeFileSync(output, JSON.stringify(Reflect.get(globalThis, COUNTS) ?? {})));
}
