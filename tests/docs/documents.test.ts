import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { ALL_COMMANDS } from "../../src/cli/all-commands.ts";
import { resolveOptions } from "../../src/engine/options.ts";
import { DOCUMENTS } from "./documents.ts";
import { ENVIRONMENT } from "./environment.ts";

const BACKSPACE = String.fromCharCode(8);

describe.each(DOCUMENTS.map(([path, render]) => [basename(path), path, render] as const))(
  "%s",
  (name, path, render) => {
    const document = readFileSync(path, "utf8");

    test("says what the declarations say, and what the examples print; else: npm run docs", () => {
      expect(document).toBe(render());
    });

    test("names every command", () => {
      for (const { meta } of ALL_COMMANDS)
        expect(document).toContain(`kvs ${meta.name}`.replaceAll("-", name === "kvs.1" ? "\\-" : "-"));
    });
  },
);

test("Every option of a store has a variable, but those that follow from the command", () => {
  const documented = ENVIRONMENT.map(({ option }) => option).filter((option) => option !== "");
  expect(documented.toSorted()).toEqual(
    Object.keys(resolveOptions({}))
      .filter((option) => option !== "readOnly" && option !== "create")
      .toSorted(),
  );
});

test.skipIf(Bun.which("mandoc") === null)("The manual page is one to mandoc", () => {
  const page = DOCUMENTS.find(([path]) => path.endsWith(".1"))?.[0] ?? "";
  const { stdout, exitCode } = Bun.spawnSync(["mandoc", "-T", "lint", "-W", "warning", page]);
  // A date would change the page whenever it is written.
  expect(stdout.toString()).toMatch(/^mandoc: \S+ WARNING: missing date, using "": TH\n$/);
  expect(exitCode).toBeLessThanOrEqual(2);
  const typed = Bun.spawnSync(["mandoc", "-T", "ascii", "-O", "width=300", page]).stdout.toString();
  // Bold letters are typed twice.
  const shown = typed.replaceAll(new RegExp(`.${BACKSPACE}`, "g"), "");
  expect(shown).toContain("kvs set KEY VALUE [--key-hex HEX]");
  expect(shown).toContain("kvs completions SHELL [--candidates]");
});
