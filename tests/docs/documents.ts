import { join, resolve } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { ALL_COMMANDS } from "../../src/cli/all-commands.ts";
import { renderReference } from "./cli-reference.ts";
import { renderManPage } from "./man-page.ts";

const DOCS: string = resolve(import.meta.dirname, "../../docs");

/** The documents that are written from the declarations of the commands, with what they should hold. */
export const DOCUMENTS: ReadonlyArray<readonly [path: string, render: () => string]> = [
  [join(DOCS, "cli.md"), () => renderReference(ALL_COMMANDS)],
  [join(DOCS, "kvs.1"), () => renderManPage(ALL_COMMANDS, manifest.version)],
];
