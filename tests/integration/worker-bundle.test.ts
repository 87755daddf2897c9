import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withoutSeededBugs } from "../../src/release/without-seeded-bugs.ts";

const ENGINE = join(import.meta.dir, "../../src/engine");

test("the text that Workers are started from is what its sources give", async () => {
  const result = await Bun.build({
    entrypoints: [join(ENGINE, "background-worker.ts")],
    target: "bun",
    format: "esm",
    minify: { syntax: true, whitespace: true, identifiers: false },
    plugins: [withoutSeededBugs],
  });
  const text = await result.outputs[0]?.text();
  // A build writes it anew: `npm run build`.
  expect(text === readFileSync(join(ENGINE, "background-worker.txt"), "utf8")).toBe(true);
});
