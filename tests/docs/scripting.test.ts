import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { REQUESTS } from "../../src/cli/shell/requests.ts";
import { Workplace } from "./examples.ts";

/** Every recipe of `docs/scripting.md` prints what stands below it. */
const document = readFileSync(resolve(import.meta.dirname, "../../docs/scripting.md"), "utf8");

const recipes = Array.from(
  document.matchAll(/^```bash\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms),
  ([, script = "", expected = ""], index) => [index + 1, script, expected] as const,
);

test("There is a recipe for every part", () => {
  expect(recipes.length).toBeGreaterThanOrEqual(10);
  const links = Array.from(document.matchAll(/^- \[.+\]\(#(.+?)\)/gm), ([, anchor = ""]) => anchor);
  const headings = Array.from(document.matchAll(/^## (.+)$/gm), ([, heading = ""]) =>
    heading.toLowerCase().replaceAll(" ", "-"),
  );
  expect(links).toEqual(headings);
});

test.each(recipes)(
  "Recipe %i prints what stands below it",
  (_, script, expected) => {
    using workplace = new Workplace();
    expect(workplace.run(script)).toEqual({ output: expected, exitCode: 0 });
  },
  60_000,
);

const loaders = Array.from(
  document.matchAll(/^(.*kvs completions (\w+).*?) +# in/gm),
  ([, line = "", shell = ""]) => ({ shell, line }),
);

test("Completions are loaded in three shells", () => {
  expect(loaders.map(({ shell }) => shell)).toEqual(["bash", "zsh", "fish"]);
});

for (const { shell, line } of loaders) {
  test.skipIf(Bun.which(shell) === null)(
    `The script of completions loads in ${shell} as the document says`,
    () => {
      using workplace = new Workplace();
      const before = shell === "zsh" ? "autoload -Uz compinit; compinit -D; " : "";
      expect(workplace.run(`${shell} -c '${before}${line}'`)).toEqual({ output: "", exitCode: 0 });
    },
  );
}

test("The protocol's table names every request and every flag", () => {
  for (const [name, { operands, flags = [] }] of REQUESTS) {
    const rows = document.split("\n").filter((line) => line.startsWith(`| \`${name}\` |`));
    expect(rows.length).toBeGreaterThan(0);
    for (const operand of operands) expect(rows.join()).toContain(operand);
    for (const flag of flags) expect(rows.join()).toContain(flag);
  }
});
